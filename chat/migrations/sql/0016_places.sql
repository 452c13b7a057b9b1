-- may_write: why a person may not write in a room at this moment, if so. The rules of `append` and `amend`, once.
--   not_found    it is not theirs to know: a room of the team, a ban, a sign-in that they lack; or a community room in which they
--                are a visitor without a place, since it was taken or never theirs
--   room_closed  it is archived, or locked for all but its moderators and the team
--   muted        by a moderator, for `wait` seconds; without `wait` there is no end in sight
-- `slow` is how many seconds must lie between two messages of theirs. Nothing holds back a system line. Call it under the room's
-- lock; it runs on its caller's search_path.
CREATE OR REPLACE FUNCTION {schema}.may_write(p_room uuid, p_kind text, p_person uuid, p_at timestamptz)
RETURNS TABLE (refusal text, wait double precision, is_moderator boolean, slow integer)
LANGUAGE sql STABLE AS $may_write$
    SELECT
        CASE
            WHEN p_kind = 'system' THEN NULL
            WHEN p_kind = 'visitor' AND r.kind = 'team' THEN 'not_found'
            WHEN is_guest AND place.banned_until > p_at THEN 'not_found'
            WHEN is_guest AND place.id IS NULL THEN 'not_found'
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
--   again        it was stored before under the same cid with the same content, or with content that is gone since it was
--                deleted: seq, id and ts of that time
--   conflict     the same author used this cid in this room for something else
--   busy         another transaction holds the room: send it again with the next flush
--   astray       what it replies to is no message of this room
--   slow_mode    its author must wait `wait` seconds
--   and what `may_write` refuses.
-- The columns of the room, as they are after this flush, stand beside the last message of each room and beside repeats.
-- Where nothing stands in the way of any message there is one row for each room instead, which has no `ord`: seq is that of the
-- room's first message, and those behind it follow in the order given; id is that of the first message of all, and the others'
-- follow by their place in the arrays. So it is with most flushes, and costs a third less.
-- The rooms are locked in the order of their ids, and one that is held by another is left out rather than waited for, so that
-- two processes never wait for each other. Everything after the lock reads a snapshot taken after it: the function must stay
-- VOLATILE and the isolation READ COMMITTED.
-- A search by `cid` does not name the room, or by IS NOT DISTINCT FROM, which no index serves: of all indexes only that of the
-- three columns, which begins with the author, can be chosen, whatever is known of the tables when the function is planned.
CREATE OR REPLACE FUNCTION {schema}.append(
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
    has_rules boolean;  -- whether one of the rooms does not take every message of everybody who is in it
    has_members boolean;  -- whether somebody may be muted or banned, or may have lost their place
    is_plain boolean := false;  -- whether nothing stands in the way of any message
    stem text := left(uuidv7()::text, 30);  -- of the ids: randomness is dear where it is asked for once for each
    ids uuid[];
    refusals text[];
    waits double precision[];
    moment timestamptz;
BEGIN
    SELECT array_agg(locked.id),
        bool_or(locked.kind = 'team' AND 'visitor' = ANY (p_author_kind) OR locked.locked_at IS NOT NULL
            OR locked.closed_at IS NOT NULL OR locked.slow_seconds > 0 OR locked.join_rule <> 'open'),
        bool_or(locked.kind = 'community')
    INTO held, has_rules, has_members FROM (
        SELECT r.id, r.kind, r.locked_at, r.closed_at, r.slow_seconds, r.join_rule FROM chat_room r WHERE r.id = ANY (p_room)
        ORDER BY r.id FOR NO KEY UPDATE SKIP LOCKED
    ) locked;
    held := coalesce(held, ARRAY[]::uuid[]);
    moment := date_trunc('milliseconds', clock_timestamp());

    IF NOT has_rules AND 'system' <> ALL (p_author_kind) AND array_remove(p_reply_to, NULL) = '{}' THEN
        SELECT count(DISTINCT g.room_id) = cardinality(held) AND count(DISTINCT g.cid) = count(*)
            AND bool_or((
                SELECT true FROM chat_message b WHERE b.author_id = g.author_id AND b.cid = g.cid LIMIT 1
            )) IS NULL
            AND bool_or((
                SELECT true FROM chat_change b
                WHERE b.room_id = g.room_id AND b.author_id = g.author_id AND b.cid = g.cid LIMIT 1
            )) IS NULL
            AND bool_or(has_members AND g.author_kind = 'visitor' AND (
                SELECT coalesce(greatest(b.muted_until, b.banned_until) > moment, false) FROM chat_participant b
                WHERE b.room_id = g.room_id AND b.person_id = g.author_id LIMIT 1
            ) IS NOT FALSE) IS NOT TRUE  -- also of a visitor without a place: the long way knows whether they need one
        INTO is_plain
        FROM unnest(p_room, p_author_kind, p_author_id, p_cid) AS g (room_id, author_kind, author_id, cid);
    END IF;

    IF is_plain THEN
        ids := ARRAY(SELECT (stem || lpad(to_hex(n), 6, '0'))::uuid FROM generate_series(1, cardinality(p_room)) n);
        PERFORM public.record_usage('message', ids, moment);
        RETURN QUERY
        WITH moved AS (
            UPDATE chat_room r SET last_seq = r.last_seq + new.lines, rev = r.rev + 1, last_text = left(p_text[new.last], 200),
                last_by = p_author_name[new.last], last_at = moment,
                status = CASE WHEN new.by_visitor THEN 'open' ELSE r.status END
            FROM (
                SELECT g.room_id, count(*) AS lines, max(g.ord) AS last, bool_or(g.author_kind = 'visitor') AS by_visitor
                FROM unnest(p_room, p_author_kind) WITH ORDINALITY AS g (room_id, author_kind, ord) GROUP BY g.room_id
            ) new
            WHERE r.id = new.room_id
            RETURNING r.last_seq - new.lines AS before, r.id, r.kind, r.title, r.last_seq, r.epoch, r.rev, r.status, r.visitor_id,
                r.last_text, r.last_by, r.last_at, r.site_id, r.assignee_id, r.labels, r.people, r.pinned, r.notes_of_id
        ), written AS (
            INSERT INTO chat_message (id, room_id, seq, changed, cid, content_hash, author_kind, author_id, author_name,
                kind, text, ts)
            SELECT n.id, n.room_id, n.seq, n.seq, n.cid, n.hash, n.author_kind, n.author_id, n.author_name, n.kind, n.text, moment
            FROM (
                SELECT g.*, m.before + row_number() OVER (PARTITION BY g.room_id ORDER BY g.ord) AS seq
                FROM unnest(ids, p_room, p_author_kind, p_author_id, p_author_name, p_cid, p_hash, p_kind, p_text)
                    WITH ORDINALITY AS g (id, room_id, author_kind, author_id, author_name, cid, hash, kind, text, ord)
                JOIN moved m ON m.id = g.room_id
            ) n
        )
        SELECT NULL::bigint, 'stored', NULL::double precision, m.before + 1, ids[1], moment,
            m.id, m.kind::text, m.title::text, m.last_seq, m.epoch, m.rev, m.status::text, m.visitor_id, m.last_text::text,
            m.last_by::text, m.last_at, m.site_id, (SELECT s.name::text FROM chat_site s WHERE s.id = m.site_id), m.assignee_id,
            m.labels, m.people, m.pinned, false, false, 0,
            (SELECT notes.id FROM chat_room notes WHERE notes.notes_of_id = m.id), m.notes_of_id
        FROM moved m;
        RETURN;
    END IF;

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
        SELECT g.ord, NULL, NULL, NULL, NULL, '' FROM given g  -- a change: no message is its repeat
        JOIN chat_change c ON c.room_id = g.room_id AND c.author_id = g.author_id AND c.cid = g.cid
    ), fresh AS MATERIALIZED (
        SELECT DISTINCT ON (g.room_id, g.author_id, g.cid) g.*, (stem || lpad(to_hex(g.ord), 6, '0'))::uuid AS new_id
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
            WHEN b.ord IS NOT NULL THEN CASE WHEN coalesce(b.content_hash = g.hash, true) THEN 'again' ELSE 'conflict' END
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
