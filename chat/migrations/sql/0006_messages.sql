-- may_write: why a person may not write in a room at this moment, if so. The rules of `append` and `amend`, once.
--   not_found    it is not theirs to know: a room of the team, a ban, an invitation or a sign-in that they lack
--   room_closed  it is archived, or locked for all but its moderators and the team
--   muted        by a moderator, for `wait` seconds; without `wait` there is no end in sight
-- `slow` is how many seconds must lie between two messages of theirs. Nothing holds back a system line. Call it under the room's
-- lock; it runs on its caller's search_path.
CREATE FUNCTION {schema}.may_write(p_room uuid, p_kind text, p_person uuid, p_at timestamptz)
RETURNS TABLE (refusal text, wait double precision, is_moderator boolean, slow integer)
LANGUAGE sql STABLE AS $may_write$
    SELECT
        CASE
            WHEN p_kind = 'system' THEN NULL
            WHEN p_kind = 'visitor' AND r.kind = 'team' THEN 'not_found'
            WHEN is_guest AND place.banned_until > p_at THEN 'not_found'
            WHEN is_guest AND r.join_rule = 'invited' AND place.id IS NULL THEN 'not_found'
            WHEN is_guest AND r.join_rule = 'identified'
                AND (SELECT v.external_id FROM chat_visitor v WHERE v.id = p_person) IS NULL THEN 'not_found'
            WHEN r.closed_at IS NOT NULL THEN 'room_closed'
            WHEN is_guest AND place.muted_until > p_at THEN 'muted'
            WHEN r.locked_at IS NOT NULL AND p_kind = 'visitor' AND NOT leads THEN 'room_closed'
        END,
        CASE WHEN place.muted_until < p_at + interval '10 years'
            THEN greatest(extract(epoch FROM place.muted_until - p_at), 0)::double precision END,
        leads,
        CASE WHEN is_guest AND NOT leads THEN r.slow_seconds ELSE 0 END
    FROM chat_room r
    LEFT JOIN chat_participant place ON place.room_id = r.id AND place.person_id = p_person
    CROSS JOIN LATERAL (SELECT
        r.kind = 'community' AND p_kind = 'visitor' AS is_guest,
        r.kind = 'community' AND coalesce(place.role = 'moderator', false) AS leads
    ) they
    WHERE r.id = p_room
$may_write$;


-- append: the one way in which a message comes to be. Called by the journal (many rows of many rooms in one flush) and by
-- services that append inside their own transaction. One element of each array is one message; `outcome` tells of each:
--   stored       it is new: seq, id and ts are its own
--   again        it was stored before under the same cid with the same content: seq, id and ts of that time
--   conflict     the same author used this cid in this room for something else
--   busy         another transaction holds the room: send it again with the next flush
--   astray       what it replies to is no message of this room
--   slow_mode    its author must wait `wait` seconds
--   and what `may_write` refuses.
-- The columns of the room, as they are after this flush, stand beside the last message of each room and beside repeats.
-- The rooms are locked in the order of their ids, and one that is held by another is left out rather than waited for, so that
-- two processes never wait for each other. Everything after the lock reads a snapshot taken after it: the function must stay
-- VOLATILE and the isolation READ COMMITTED.
-- A search by `cid` names the room by IS NOT DISTINCT FROM, which no index serves: of all indexes only that of the three columns,
-- which begins with the author, can be chosen, whatever is known of the tables when the function is planned.
CREATE FUNCTION {schema}.append(
    p_room uuid[], p_author_kind text[], p_author_id uuid[], p_author_name text[], p_cid uuid[], p_hash bytea[],
    p_kind text[], p_text text[], p_reply_to uuid[]
) RETURNS TABLE (
    ord bigint, outcome text, wait double precision, seq bigint, id uuid, ts timestamptz,
    room_id uuid, kind text, title text, head bigint, epoch uuid, rev bigint, status text, visitor_id uuid, last_text text,
    last_by text, last_at timestamptz, site_id uuid, site_name text, assignee_id uuid, labels jsonb, people integer,
    pinned jsonb, is_locked boolean, is_closed boolean, slow_seconds integer, notes_id uuid, notes_of_id uuid
)
LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_temp SET enable_seqscan = off AS $append$
#variable_conflict use_column
DECLARE
    held uuid[];
    is_judged boolean;  -- not for the many messages of support rooms that reply to none: nothing but their room decides
    refusals text[];
    waits double precision[];
    moment timestamptz;
BEGIN
    SELECT array_agg(locked.id), bool_or(locked.kind <> 'support' OR locked.locked_at IS NOT NULL OR locked.closed_at IS NOT NULL)
    INTO held, is_judged FROM (
        SELECT r.id, r.kind, r.locked_at, r.closed_at FROM chat_room r WHERE r.id = ANY (p_room)
        ORDER BY r.id FOR NO KEY UPDATE SKIP LOCKED
    ) locked;
    held := coalesce(held, ARRAY[]::uuid[]);
    moment := date_trunc('milliseconds', clock_timestamp());

    IF is_judged OR cardinality(array_remove(p_reply_to, NULL)) > 0 THEN
        WITH given AS MATERIALIZED (
            SELECT g.*, m.refusal, m.wait, m.slow,
                EXISTS (
                    SELECT FROM chat_message b
                    WHERE b.author_id = g.author_id AND b.cid = g.cid AND b.room_id IS NOT DISTINCT FROM g.room_id
                ) AS is_repeat,
                g.reply_to IS NOT NULL AND
                    (SELECT b.room_id FROM chat_message b WHERE b.id = g.reply_to) IS DISTINCT FROM g.room_id AS is_astray
            FROM unnest(p_room, p_author_kind, p_author_id, p_cid, p_reply_to)
                WITH ORDINALITY AS g (room_id, author_kind, author_id, cid, reply_to, ord)
            LEFT JOIN LATERAL may_write(g.room_id, g.author_kind, g.author_id, moment) m ON true
        ), turns AS (
            SELECT g.*, CASE WHEN g.slow > 0 AND g.refusal IS NULL AND NOT g.is_astray AND NOT g.is_repeat THEN
                CASE
                    WHEN row_number() OVER (
                        PARTITION BY g.room_id, g.author_id, g.refusal IS NULL AND NOT g.is_astray AND NOT g.is_repeat ORDER BY g.ord
                    ) > 1 THEN g.slow
                    ELSE (
                        SELECT g.slow - extract(epoch FROM moment - b.ts)::double precision FROM chat_message b
                        WHERE b.room_id = g.room_id AND b.author_id = g.author_id ORDER BY b.seq DESC LIMIT 1
                    )
                END
            END AS pause
            FROM given g
        )
        SELECT
            array_agg(coalesce(
                t.refusal, CASE WHEN t.is_astray THEN 'astray' WHEN t.pause > 0 THEN 'slow_mode' END
            ) ORDER BY t.ord),
            array_agg(CASE WHEN t.refusal = 'muted' THEN t.wait WHEN t.pause > 0 THEN t.pause END ORDER BY t.ord)
        INTO refusals, waits FROM turns t;
    END IF;

    RETURN QUERY
    WITH given AS MATERIALIZED (
        SELECT g.*, g.room_id = ANY (held) AS is_held
        FROM unnest(p_room, p_author_kind, p_author_id, p_author_name, p_cid, p_hash, p_kind, p_text, p_reply_to, refusals, waits)
            WITH ORDINALITY AS g (
                room_id, author_kind, author_id, author_name, cid, hash, kind, text, reply_to, refusal, wait, ord
            )
    ), before AS MATERIALIZED (
        SELECT g.ord, g.room_id, m.seq, m.id, m.ts, m.content_hash FROM given g
        JOIN chat_message m ON m.author_id = g.author_id AND m.cid = g.cid AND m.room_id IS NOT DISTINCT FROM g.room_id
        UNION ALL
        SELECT g.ord, NULL, NULL, NULL, NULL, NULL FROM given g  -- a change: no message is its repeat
        JOIN chat_change c ON c.room_id = g.room_id AND c.author_id = g.author_id AND c.cid = g.cid
    ), fresh AS MATERIALIZED (
        SELECT DISTINCT ON (g.room_id, g.author_id, g.cid) g.*, uuidv7() AS new_id
        FROM given g
        WHERE g.is_held AND g.refusal IS NULL AND NOT EXISTS (SELECT FROM before b WHERE b.ord = g.ord)
        ORDER BY g.room_id, g.author_id, g.cid, g.ord
    ), numbered AS MATERIALIZED (
        SELECT f.*, r.last_seq + row_number() OVER (PARTITION BY f.room_id ORDER BY f.ord) AS new_seq
        FROM fresh f JOIN chat_room r ON r.id = f.room_id
    ), written AS (
        INSERT INTO chat_message (id, room_id, seq, changed, cid, content_hash, author_kind, author_id, author_name,
            kind, text, reply_to, ts)
        SELECT n.new_id, n.room_id, n.new_seq, n.new_seq, n.cid, n.hash, n.author_kind, n.author_id, n.author_name,
            n.kind, n.text, n.reply_to, moment
        FROM numbered n ORDER BY n.ord
    ), last_line AS (
        SELECT DISTINCT ON (n.room_id) n.room_id, n.new_seq, left(n.text, 200) AS text, n.author_name,
            bool_or(n.author_kind = 'visitor') OVER (PARTITION BY n.room_id) AS by_visitor
        FROM numbered n ORDER BY n.room_id, n.new_seq DESC
    ), moved AS (
        UPDATE chat_room r SET last_seq = l.new_seq, rev = r.rev + 1, last_text = l.text, last_by = l.author_name,
            last_at = moment, status = CASE WHEN l.by_visitor THEN 'open' ELSE r.status END
        FROM last_line l WHERE r.id = l.room_id
        RETURNING r.id, r.kind, r.title, r.last_seq, r.epoch, r.rev, r.status, r.visitor_id, r.last_text, r.last_by, r.last_at,
            r.site_id, r.assignee_id, r.labels, r.people, r.notes_of_id, r.pinned, r.locked_at, r.closed_at, r.slow_seconds
    ), told AS (
        SELECT m.* FROM moved m
        UNION ALL
        SELECT r.id, r.kind, r.title, r.last_seq, r.epoch, r.rev, r.status, r.visitor_id, r.last_text, r.last_by, r.last_at,
            r.site_id, r.assignee_id, r.labels, r.people, r.notes_of_id, r.pinned, r.locked_at, r.closed_at, r.slow_seconds
        FROM chat_room r
        WHERE r.id IN (SELECT b.room_id FROM before b) AND r.id NOT IN (SELECT n.room_id FROM numbered n)
    ), counted AS MATERIALIZED (
        SELECT public.record_usage('message', array_agg(n.new_id), moment) FROM numbered n
        WHERE n.author_kind <> 'system' HAVING count(*) > 0
    )
    SELECT g.ord,
        CASE
            WHEN b.ord IS NOT NULL THEN CASE WHEN b.content_hash = g.hash THEN 'again' ELSE 'conflict' END
            WHEN n.ord = g.ord THEN 'stored'
            WHEN n.ord IS NOT NULL THEN CASE WHEN n.hash = g.hash THEN 'again' ELSE 'conflict' END
            WHEN g.is_held THEN coalesce(g.refusal, 'conflict')
            WHEN EXISTS (SELECT FROM chat_room r WHERE r.id = g.room_id) THEN 'busy'
            ELSE 'not_found'
        END,
        g.wait, coalesce(b.seq, n.new_seq), coalesce(b.id, n.new_id), coalesce(b.ts, moment),
        t.id, t.kind::text, t.title::text, t.last_seq, t.epoch, t.rev, t.status::text, t.visitor_id, t.last_text::text,
        t.last_by::text, t.last_at, t.site_id, s.name::text, t.assignee_id, t.labels, t.people,
        t.pinned, t.locked_at IS NOT NULL, t.closed_at IS NOT NULL, t.slow_seconds, notes.id, t.notes_of_id
    FROM given g
    LEFT JOIN before b ON b.ord = g.ord
    LEFT JOIN numbered n ON n.room_id = g.room_id AND n.cid = g.cid AND n.author_id IS NOT DISTINCT FROM g.author_id
    LEFT JOIN told t ON t.id = g.room_id AND (b.ord IS NOT NULL OR n.new_seq = t.last_seq)
    LEFT JOIN chat_site s ON s.id = t.site_id
    LEFT JOIN chat_room notes ON notes.notes_of_id = t.id
    LEFT JOIN counted ON true
    ORDER BY g.ord;
END
$append$;


-- amend: the one way in which a message changes. One element of each array is one change (`edit`, `delete` or `react`); they are
-- made one after another, each on what those before it left, under the locks that `append` takes. `outcome` tells of each:
--   stored       it changed the message: seq is the room's next number, which is now the message's `changed`
--   same         it changed nothing: seq is what the message's `changed` is
--   again        it was made before under the same cid: seq and ts of that time, whatever happened since
--   conflict     the same author used this cid in this room for something else
--   busy         another transaction holds the room
--   no_message   there is no such message in the room, or no more
--   forbidden    it is not theirs to change
--   too_many     20 different emoji are under it
--   and what `may_write` refuses, but one's own words may be deleted while muted.
-- The columns of the message are those after the change. Where the room's summary changed with it, its columns follow.
CREATE FUNCTION {schema}.amend(
    p_kind text[], p_room uuid[], p_author_kind text[], p_author_id uuid[], p_cid uuid[], p_hash bytea[], p_message uuid[],
    p_text text[], p_emoji text[], p_on boolean[], p_moderates boolean[]
) RETURNS TABLE (
    ord bigint, outcome text, wait double precision, seq bigint, ts timestamptz,
    message_id uuid, message_room uuid, birth bigint, changed bigint, author_kind text, author_id uuid, author_name text,
    message_kind text, text text, born_at timestamptz, cid uuid, attachments jsonb, reply_to uuid, reactions jsonb,
    edited_at timestamptz, deleted_at timestamptz,
    room_id uuid, kind text, title text, head bigint, epoch uuid, rev bigint, status text, visitor_id uuid, last_text text,
    last_by text, last_at timestamptz, site_id uuid, site_name text, assignee_id uuid, labels jsonb, people integer,
    pinned jsonb, is_locked boolean, is_closed boolean, slow_seconds integer, notes_id uuid, notes_of_id uuid
)
LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_temp SET enable_seqscan = off AS $amend$
#variable_conflict use_column
DECLARE
    held uuid[];
    room chat_room%ROWTYPE;
    message chat_message%ROWTYPE;
    earlier chat_change%ROWTYPE;
    person record;
    is_own boolean;
    is_last boolean;
    is_news boolean;
    was_on boolean;
    moment timestamptz;
    verdict text;
BEGIN
    SELECT array_agg(locked.id) INTO held FROM (
        SELECT r.id FROM chat_room r WHERE r.id = ANY (p_room) ORDER BY r.id FOR NO KEY UPDATE SKIP LOCKED
    ) locked;
    held := coalesce(held, ARRAY[]::uuid[]);
    moment := date_trunc('milliseconds', clock_timestamp());

    FOR place IN 1 .. cardinality(p_room) LOOP
        SELECT r.* INTO room FROM chat_room r WHERE r.id = p_room[place];
        SELECT m.* INTO message FROM chat_message m
        WHERE m.id = p_message[place] AND m.room_id IS NOT DISTINCT FROM p_room[place];
        SELECT c.* INTO earlier FROM chat_change c
        WHERE c.room_id = p_room[place] AND c.author_id = p_author_id[place] AND c.cid = p_cid[place];
        SELECT m.* INTO person FROM may_write(p_room[place], p_author_kind[place], p_author_id[place], moment) m;
        is_own := message.author_id = p_author_id[place] AND message.author_kind = p_author_kind[place];
        was_on := EXISTS (
            SELECT FROM chat_reaction x
            WHERE x.message_id = message.id AND x.emoji = p_emoji[place] AND x.person_id = p_author_id[place]
        );
        verdict := CASE
            WHEN room.id IS NULL THEN 'not_found'
            WHEN earlier.id IS NOT NULL THEN
                CASE WHEN earlier.content_hash = p_hash[place] THEN 'again' ELSE 'conflict' END
            WHEN NOT room.id = ANY (held) THEN 'busy'
            WHEN EXISTS (
                SELECT FROM chat_message m
                WHERE m.author_id = p_author_id[place] AND m.cid = p_cid[place] AND m.room_id IS NOT DISTINCT FROM room.id
            ) THEN 'conflict'
            WHEN person.refusal IS NOT NULL
                AND NOT (person.refusal = 'muted' AND p_kind[place] = 'delete' AND coalesce(is_own, false)) THEN person.refusal
            WHEN message.id IS NULL OR (message.deleted_at IS NOT NULL AND p_kind[place] <> 'delete') THEN 'no_message'
            WHEN message.kind = 'system' THEN 'forbidden'
            WHEN p_kind[place] = 'edit' AND NOT coalesce(is_own AND message.kind = 'text', false) THEN 'forbidden'
            WHEN p_kind[place] = 'delete'
                AND NOT (coalesce(is_own, false) OR p_moderates[place] OR person.is_moderator) THEN 'forbidden'
            WHEN p_kind[place] = 'edit' AND message.text = p_text[place] THEN 'same'
            WHEN p_kind[place] = 'delete' AND message.deleted_at IS NOT NULL THEN 'same'
            WHEN p_kind[place] = 'react' AND was_on = p_on[place] THEN 'same'
            WHEN p_kind[place] = 'react' AND p_on[place] AND NOT message.reactions ? p_emoji[place]
                AND (SELECT count(*) FROM jsonb_object_keys(message.reactions)) >= 20 THEN 'too_many'
            ELSE 'stored'
        END;

        IF verdict = 'stored' THEN
            message.changed := room.last_seq + 1;
            CASE p_kind[place]
                WHEN 'edit' THEN
                    message.text := p_text[place];
                    message.edited_at := moment;
                WHEN 'delete' THEN
                    DELETE FROM chat_reaction x WHERE x.message_id = message.id;
                    message.text := '';
                    message.attachments := '[]';
                    message.reactions := '{}';
                    message.deleted_at := moment;
                ELSE
                    IF p_on[place] THEN
                        INSERT INTO chat_reaction (id, message_id, person_id, emoji, ts)
                        VALUES (uuidv7(), message.id, p_author_id[place], p_emoji[place], moment);
                    ELSE
                        DELETE FROM chat_reaction x
                        WHERE x.message_id = message.id AND x.emoji = p_emoji[place] AND x.person_id = p_author_id[place];
                    END IF;
                    message.reactions := reacted(message.id, message.reactions, p_emoji[place], p_author_id[place], p_on[place]);
            END CASE;
            UPDATE chat_message m SET text = message.text, attachments = message.attachments, reactions = message.reactions,
                edited_at = message.edited_at, deleted_at = message.deleted_at, changed = message.changed
            WHERE m.id = message.id;

            is_last := message.ts = room.last_at  -- only then is it worth a look
                AND NOT EXISTS (SELECT FROM chat_message m WHERE m.room_id = room.id AND m.seq > message.seq);
            is_news := p_kind[place] <> 'react' AND (is_last OR room.pinned ? message.id::text);
            UPDATE chat_room r SET last_seq = message.changed, rev = r.rev + is_news::integer,
                last_text = CASE WHEN is_last THEN left(message.text, 200) ELSE r.last_text END,
                pinned = CASE WHEN message.deleted_at IS NOT NULL THEN r.pinned - message.id::text ELSE r.pinned END
            WHERE r.id = room.id RETURNING r.* INTO room;
        ELSE
            is_news := verdict = 'again';
        END IF;
        IF verdict IN ('stored', 'same') THEN
            INSERT INTO chat_change (id, room_id, message_id, author_id, cid, content_hash, seq, ts)
            VALUES (uuidv7(), room.id, message.id, p_author_id[place], p_cid[place], p_hash[place], message.changed, moment);
        END IF;

        RETURN QUERY SELECT place::bigint, verdict, CASE WHEN verdict = 'muted' THEN person.wait END,
            coalesce(earlier.seq, message.changed), coalesce(earlier.ts, moment),
            message.id, message.room_id, message.seq, message.changed, message.author_kind::text, message.author_id,
            message.author_name::text, message.kind::text, message.text, message.ts, message.cid, message.attachments,
            message.reply_to, message.reactions, message.edited_at, message.deleted_at,
            told.id, told.kind::text, told.title::text, told.last_seq, told.epoch, told.rev, told.status::text, told.visitor_id,
            told.last_text::text, told.last_by::text, told.last_at, told.site_id, s.name::text, told.assignee_id, told.labels,
            told.people, told.pinned, told.locked_at IS NOT NULL, told.closed_at IS NOT NULL, told.slow_seconds,
            notes.id, told.notes_of_id
        FROM (SELECT 1) one
        LEFT JOIN chat_room told ON is_news AND told.id = room.id
        LEFT JOIN chat_site s ON s.id = told.site_id
        LEFT JOIN chat_room notes ON notes.notes_of_id = told.id;
    END LOOP;
END
$amend$;


-- reacted: the sum of a message's reactions after one person's emoji came or went: {emoji: {n, who: the first 20}}. The row of
-- `chat_reaction` is there or gone already; a place that becomes free among the 20 goes to one of the others.
CREATE FUNCTION {schema}.reacted(p_message uuid, p_sum jsonb, p_emoji text, p_person uuid, p_on boolean) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $reacted$
DECLARE
    n integer := coalesce((p_sum -> p_emoji ->> 'n')::integer, 0) + CASE WHEN p_on THEN 1 ELSE -1 END;
    who jsonb := coalesce(p_sum -> p_emoji -> 'who', '[]');
BEGIN
    IF n <= 0 THEN
        RETURN p_sum - p_emoji;
    END IF;
    IF p_on AND jsonb_array_length(who) < 20 THEN
        who := who || to_jsonb(p_person);
    ELSIF NOT p_on THEN
        who := who - p_person::text;
        who := who || coalesce((
            SELECT jsonb_agg(x.person_id) FROM (
                SELECT x.person_id FROM chat_reaction x
                WHERE x.message_id = p_message AND x.emoji = p_emoji AND NOT who ? x.person_id::text
                LIMIT least(n, 20) - jsonb_array_length(who)
            ) x
        ), '[]');
    END IF;
    RETURN jsonb_set(p_sum, ARRAY[p_emoji], jsonb_build_object('n', n, 'who', who));
END
$reacted$;


-- Each support room has a companion, in which the team writes its notes.
INSERT INTO {schema}.chat_room (id, kind, title, status, labels, notes_of_id, epoch, created_at)
SELECT uuidv7(), 'team', r.title, 'open', '[]', r.id, uuidv7(), now()
FROM {schema}.chat_room r
WHERE r.kind = 'support' AND NOT EXISTS (SELECT FROM {schema}.chat_room n WHERE n.notes_of_id = r.id);
