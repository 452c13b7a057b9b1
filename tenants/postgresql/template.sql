-- The schema of a new tenant. Made from the migrations by `python -m saas.up.database template`; do not edit.
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', true);
SET LOCAL check_function_bodies = false;
SET LOCAL xmloption = content;
SET LOCAL client_min_messages = warning;
SET LOCAL row_security = off;
CREATE SCHEMA @@SCHEMA@@;
CREATE FUNCTION @@SCHEMA@@.amend(p_kind text[], p_room uuid[], p_author_kind text[], p_author_id uuid[], p_cid uuid[], p_hash bytea[], p_message uuid[], p_text text[], p_emoji text[], p_on boolean[], p_moderates boolean[]) RETURNS TABLE(ord bigint, outcome text, wait double precision, seq bigint, ts timestamp with time zone, message_id uuid, message_room uuid, birth bigint, changed bigint, author_kind text, author_id uuid, author_name text, message_kind text, text text, born_at timestamp with time zone, cid uuid, attachments jsonb, reply_to uuid, reactions jsonb, edited_at timestamp with time zone, deleted_at timestamp with time zone, room_id uuid, kind text, title text, head bigint, epoch uuid, rev bigint, status text, visitor_id uuid, last_text text, last_by text, last_at timestamp with time zone, site_id uuid, site_name text, assignee_id uuid, labels jsonb, people integer, pinned jsonb, is_locked boolean, is_closed boolean, slow_seconds integer, notes_id uuid, notes_of_id uuid)
    LANGUAGE plpgsql
    SET search_path TO '@@SCHEMA@@', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
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
                CASE WHEN coalesce(earlier.content_hash = p_hash[place], true) THEN 'again' ELSE 'conflict' END
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
$$;
CREATE FUNCTION @@SCHEMA@@.append(p_room uuid[], p_author_kind text[], p_author_id uuid[], p_author_name text[], p_cid uuid[], p_hash bytea[], p_kind text[], p_text text[], p_reply_to uuid[]) RETURNS TABLE(ord bigint, outcome text, wait double precision, seq bigint, id uuid, ts timestamp with time zone, room_id uuid, kind text, title text, head bigint, epoch uuid, rev bigint, status text, visitor_id uuid, last_text text, last_by text, last_at timestamp with time zone, site_id uuid, site_name text, assignee_id uuid, labels jsonb, people integer, pinned jsonb, is_locked boolean, is_closed boolean, slow_seconds integer, notes_id uuid, notes_of_id uuid)
    LANGUAGE plpgsql
    SET search_path TO '@@SCHEMA@@', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
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
$$;
CREATE FUNCTION @@SCHEMA@@.forget_prints() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO '@@SCHEMA@@', 'pg_temp'
    AS $$
BEGIN
    UPDATE chat_change c SET content_hash = NULL WHERE c.message_id = NEW.id;
    UPDATE chat_room r SET open_hash = NULL
    WHERE r.id = NEW.room_id AND r.open_hash IS NOT NULL AND (r.open_cid = NEW.cid OR NEW.kind = 'form');
    NEW.content_hash := NULL;
    RETURN NEW;
END
$$;
CREATE FUNCTION @@SCHEMA@@.forget_words() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO '@@SCHEMA@@', 'pg_temp'
    AS $$
BEGIN
    UPDATE chat_notification told SET body = ''
    WHERE told.body <> '' AND told.key = ANY (ARRAY[
        'report:' || NEW.id,
        'message:' || NEW.id,
        'mention:' || NEW.id,
        (SELECT 'room_opened:' || r.id FROM chat_room r WHERE r.id = NEW.room_id AND r.open_cid = NEW.cid)
    ]);
    RETURN NULL;
END
$$;
CREATE FUNCTION @@SCHEMA@@.may_write(p_room uuid, p_kind text, p_person uuid, p_at timestamp with time zone) RETURNS TABLE(refusal text, wait double precision, is_moderator boolean, slow integer)
    LANGUAGE sql STABLE
    AS $$
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
$$;
CREATE FUNCTION @@SCHEMA@@.reacted(p_message uuid, p_sum jsonb, p_emoji text, p_person uuid, p_on boolean) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    AS $$
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
$$;
SET LOCAL default_tablespace = '';
SET LOCAL default_table_access_method = heap;
CREATE TABLE @@SCHEMA@@.chat_agentstate (
    person_id uuid NOT NULL,
    state character varying(6) NOT NULL,
    rev bigint NOT NULL,
    CONSTRAINT state_is_known CHECK ((((state)::text = 'online'::text) OR ((state)::text = 'away'::text) OR ((state)::text = 'busy'::text)))
);
CREATE TABLE @@SCHEMA@@.chat_change (
    id uuid NOT NULL,
    author_id uuid NOT NULL,
    cid uuid NOT NULL,
    content_hash bytea,
    seq bigint NOT NULL,
    ts timestamp with time zone NOT NULL,
    message_id uuid NOT NULL,
    room_id uuid NOT NULL
);
CREATE TABLE @@SCHEMA@@.chat_invitation (
    id uuid NOT NULL,
    code_hash bytea NOT NULL,
    uses_left integer NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    made_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    room_id uuid NOT NULL
);
CREATE TABLE @@SCHEMA@@.chat_message (
    id uuid NOT NULL,
    seq bigint NOT NULL,
    changed bigint NOT NULL,
    cid uuid,
    content_hash bytea,
    author_kind character varying(7) NOT NULL,
    author_id uuid,
    author_name character varying(80) NOT NULL,
    kind character varying(6) NOT NULL,
    text text NOT NULL,
    attachments jsonb DEFAULT '[]'::jsonb NOT NULL,
    reply_to uuid,
    reactions jsonb DEFAULT '{}'::jsonb NOT NULL,
    edited_at timestamp with time zone,
    deleted_at timestamp with time zone,
    ts timestamp with time zone NOT NULL,
    room_id uuid NOT NULL
);
CREATE TABLE @@SCHEMA@@.chat_notification (
    id uuid NOT NULL,
    recipient_id uuid NOT NULL,
    kind character varying(20) NOT NULL,
    title character varying(120) NOT NULL,
    body character varying(300) NOT NULL,
    room_id uuid,
    url character varying(300) NOT NULL,
    actions jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone,
    category character varying(20) DEFAULT 'rooms'::character varying NOT NULL,
    key character varying(100)
);
CREATE TABLE @@SCHEMA@@.chat_notificationsetting (
    id uuid NOT NULL,
    recipient_id uuid NOT NULL,
    category character varying(20) NOT NULL,
    wanted boolean NOT NULL
);
CREATE TABLE @@SCHEMA@@.chat_participant (
    id uuid NOT NULL,
    kind character varying(7) NOT NULL,
    person_id uuid NOT NULL,
    name character varying(80) NOT NULL,
    read_seq bigint NOT NULL,
    joined_at timestamp with time zone NOT NULL,
    room_id uuid NOT NULL,
    banned_until timestamp with time zone,
    muted_until timestamp with time zone,
    role character varying(9) DEFAULT 'member'::character varying NOT NULL
);
CREATE TABLE @@SCHEMA@@.chat_reaction (
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    emoji character varying(32) NOT NULL,
    ts timestamp with time zone NOT NULL,
    message_id uuid NOT NULL
);
CREATE TABLE @@SCHEMA@@.chat_report (
    id uuid NOT NULL,
    reporter_kind character varying(7) NOT NULL,
    reporter_id uuid NOT NULL,
    reporter_name character varying(80) NOT NULL,
    reason character varying(300) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    settled_by uuid,
    message_id uuid NOT NULL,
    room_id uuid NOT NULL,
    done jsonb DEFAULT '[]'::jsonb NOT NULL
);
CREATE TABLE @@SCHEMA@@.chat_room (
    id uuid NOT NULL,
    kind character varying(9) NOT NULL,
    open_cid uuid,
    open_hash bytea,
    title character varying(120) NOT NULL,
    status character varying(8) NOT NULL,
    assignee_id uuid,
    labels jsonb NOT NULL,
    closed_at timestamp with time zone,
    epoch uuid NOT NULL,
    people integer DEFAULT 0 NOT NULL,
    last_seq bigint DEFAULT 0 NOT NULL,
    rev bigint DEFAULT 0 NOT NULL,
    last_text character varying(200) DEFAULT ''::character varying NOT NULL,
    last_by character varying(80) DEFAULT ''::character varying NOT NULL,
    last_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    created_at timestamp with time zone NOT NULL,
    site_id uuid,
    visitor_id uuid,
    join_rule character varying(10) DEFAULT 'open'::character varying NOT NULL,
    locked_at timestamp with time zone,
    notes_of_id uuid,
    pinned jsonb DEFAULT '[]'::jsonb NOT NULL,
    slow_seconds integer DEFAULT 0 NOT NULL,
    "position" integer DEFAULT 0 NOT NULL,
    last_minute timestamp with time zone GENERATED ALWAYS AS ((date_trunc('minute'::text, (last_at AT TIME ZONE 'UTC'::text)) AT TIME ZONE 'UTC'::text)) STORED,
    CONSTRAINT support_room_has_visitor CHECK (((NOT ((kind)::text = 'support'::text)) OR (visitor_id IS NOT NULL)))
)
WITH (fillfactor='80');
CREATE TABLE @@SCHEMA@@.chat_signedin (
    id uuid NOT NULL,
    jti_hash bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    site_id uuid NOT NULL
);
CREATE TABLE @@SCHEMA@@.chat_site (
    id uuid NOT NULL,
    name character varying(80) NOT NULL,
    allowed_origins jsonb NOT NULL,
    look jsonb NOT NULL,
    texts jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    identity_keys jsonb DEFAULT '[]'::jsonb NOT NULL,
    strict boolean DEFAULT false NOT NULL,
    words jsonb DEFAULT '[]'::jsonb NOT NULL,
    time_zone character varying(64) DEFAULT ''::character varying NOT NULL,
    hours jsonb DEFAULT '[]'::jsonb NOT NULL,
    holidays jsonb DEFAULT '[]'::jsonb NOT NULL
);
CREATE TABLE @@SCHEMA@@.chat_tagseen (
    id uuid NOT NULL,
    key character varying(32) NOT NULL,
    origin character varying(300) NOT NULL,
    page character varying(500) NOT NULL,
    first_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    site_id uuid NOT NULL
);
CREATE TABLE @@SCHEMA@@.chat_visitor (
    id uuid NOT NULL,
    name character varying(80) NOT NULL,
    handle_hash bytea NOT NULL,
    old_handle_hash bytea,
    handle_grace timestamp with time zone,
    locale character varying(35) NOT NULL,
    page jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    site_id uuid NOT NULL,
    external_id character varying(200)
);
CREATE TABLE @@SCHEMA@@.django_migrations (
    id bigint NOT NULL,
    app character varying(255) NOT NULL,
    name character varying(255) NOT NULL,
    applied timestamp with time zone NOT NULL
);
ALTER TABLE @@SCHEMA@@.django_migrations ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME @@SCHEMA@@.django_migrations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE ONLY @@SCHEMA@@.chat_change
    ADD CONSTRAINT changed_once_per_cid UNIQUE (room_id, author_id, cid);
ALTER TABLE ONLY @@SCHEMA@@.chat_agentstate
    ADD CONSTRAINT chat_agentstate_pkey PRIMARY KEY (person_id);
ALTER TABLE ONLY @@SCHEMA@@.chat_change
    ADD CONSTRAINT chat_change_pkey PRIMARY KEY (id);
ALTER TABLE ONLY @@SCHEMA@@.chat_invitation
    ADD CONSTRAINT chat_invitation_code_hash_key UNIQUE (code_hash);
ALTER TABLE ONLY @@SCHEMA@@.chat_invitation
    ADD CONSTRAINT chat_invitation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY @@SCHEMA@@.chat_message
    ADD CONSTRAINT chat_message_pkey PRIMARY KEY (id);
ALTER TABLE ONLY @@SCHEMA@@.chat_notification
    ADD CONSTRAINT chat_notification_pkey PRIMARY KEY (id);
ALTER TABLE ONLY @@SCHEMA@@.chat_notificationsetting
    ADD CONSTRAINT chat_notificationsetting_pkey PRIMARY KEY (id);
ALTER TABLE ONLY @@SCHEMA@@.chat_participant
    ADD CONSTRAINT chat_participant_pkey PRIMARY KEY (id);
ALTER TABLE ONLY @@SCHEMA@@.chat_reaction
    ADD CONSTRAINT chat_reaction_pkey PRIMARY KEY (id);
ALTER TABLE ONLY @@SCHEMA@@.chat_report
    ADD CONSTRAINT chat_report_pkey PRIMARY KEY (id);
ALTER TABLE ONLY @@SCHEMA@@.chat_room
    ADD CONSTRAINT chat_room_notes_of_id_key UNIQUE (notes_of_id);
ALTER TABLE ONLY @@SCHEMA@@.chat_room
    ADD CONSTRAINT chat_room_pkey PRIMARY KEY (id);
ALTER TABLE ONLY @@SCHEMA@@.chat_signedin
    ADD CONSTRAINT chat_signedin_pkey PRIMARY KEY (id);
ALTER TABLE ONLY @@SCHEMA@@.chat_site
    ADD CONSTRAINT chat_site_pkey PRIMARY KEY (id);
ALTER TABLE ONLY @@SCHEMA@@.chat_tagseen
    ADD CONSTRAINT chat_tagseen_pkey PRIMARY KEY (id);
ALTER TABLE ONLY @@SCHEMA@@.chat_visitor
    ADD CONSTRAINT chat_visitor_handle_hash_key UNIQUE (handle_hash);
ALTER TABLE ONLY @@SCHEMA@@.chat_visitor
    ADD CONSTRAINT chat_visitor_old_handle_hash_key UNIQUE (old_handle_hash);
ALTER TABLE ONLY @@SCHEMA@@.chat_visitor
    ADD CONSTRAINT chat_visitor_pkey PRIMARY KEY (id);
ALTER TABLE ONLY @@SCHEMA@@.django_migrations
    ADD CONSTRAINT django_migrations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY @@SCHEMA@@.chat_reaction
    ADD CONSTRAINT one_emoji_once UNIQUE (message_id, emoji, person_id);
ALTER TABLE ONLY @@SCHEMA@@.chat_message
    ADD CONSTRAINT one_message_per_seq UNIQUE (room_id, seq);
ALTER TABLE ONLY @@SCHEMA@@.chat_participant
    ADD CONSTRAINT one_place_per_person UNIQUE (room_id, person_id);
ALTER TABLE ONLY @@SCHEMA@@.chat_room
    ADD CONSTRAINT one_room_per_open UNIQUE (visitor_id, open_cid);
ALTER TABLE ONLY @@SCHEMA@@.chat_notificationsetting
    ADD CONSTRAINT one_setting_per_category UNIQUE (recipient_id, category);
ALTER TABLE ONLY @@SCHEMA@@.chat_signedin
    ADD CONSTRAINT one_use_per_identity UNIQUE (site_id, jti_hash);
ALTER TABLE ONLY @@SCHEMA@@.chat_visitor
    ADD CONSTRAINT one_visitor_per_user_of_the_site UNIQUE (site_id, external_id);
ALTER TABLE ONLY @@SCHEMA@@.chat_report
    ADD CONSTRAINT reported_once UNIQUE (message_id, reporter_id);
ALTER TABLE ONLY @@SCHEMA@@.chat_tagseen
    ADD CONSTRAINT seen_once_per_origin UNIQUE (site_id, key, origin);
ALTER TABLE ONLY @@SCHEMA@@.chat_message
    ADD CONSTRAINT stored_once_per_cid UNIQUE (author_id, cid, room_id);
ALTER TABLE ONLY @@SCHEMA@@.chat_notification
    ADD CONSTRAINT told_once_per_key UNIQUE (recipient_id, key);
CREATE INDEX all_reports ON @@SCHEMA@@.chat_report USING btree (created_at DESC, id DESC);
CREATE INDEX catch_up ON @@SCHEMA@@.chat_message USING btree (room_id, changed);
CREATE INDEX chat_change_message_id_d12c11f8 ON @@SCHEMA@@.chat_change USING btree (message_id);
CREATE INDEX chat_invitation_room_id_079ce761 ON @@SCHEMA@@.chat_invitation USING btree (room_id);
CREATE INDEX chat_report_room_id_8deeef5b ON @@SCHEMA@@.chat_report USING btree (room_id);
CREATE INDEX chat_room_site_id_db2a6126 ON @@SCHEMA@@.chat_room USING btree (site_id);
CREATE INDEX identities_run_out ON @@SCHEMA@@.chat_signedin USING btree (expires_at);
CREATE INDEX of_one_author ON @@SCHEMA@@.chat_message USING btree (room_id, author_id, seq);
CREATE UNIQUE INDEX one_unseen_for_messages ON @@SCHEMA@@.chat_notification USING btree (recipient_id, room_id) WHERE (((category)::text = 'messages'::text) AND (seen_at IS NULL));
CREATE INDEX open_reports ON @@SCHEMA@@.chat_report USING btree (created_at DESC, id DESC) WHERE (settled_at IS NULL);
CREATE INDEX places_of_visitor ON @@SCHEMA@@.chat_participant USING btree (person_id) WHERE ((kind)::text = 'visitor'::text);
CREATE INDEX room_newest_first ON @@SCHEMA@@.chat_room USING btree (last_minute DESC);
CREATE INDEX rooms_in_order ON @@SCHEMA@@.chat_room USING btree (site_id, "position", id) WHERE ((kind)::text = 'community'::text);
CREATE INDEX told_by_key ON @@SCHEMA@@.chat_notification USING btree (key) WHERE (key IS NOT NULL);
CREATE INDEX told_newest_first ON @@SCHEMA@@.chat_notification USING btree (recipient_id, created_at DESC, id DESC);
CREATE INDEX unseen_newest_first ON @@SCHEMA@@.chat_notification USING btree (recipient_id, created_at DESC) WHERE (seen_at IS NULL);
CREATE TRIGGER forget_prints BEFORE UPDATE OF deleted_at ON @@SCHEMA@@.chat_message FOR EACH ROW WHEN (((new.deleted_at IS NOT NULL) AND (old.deleted_at IS NULL))) EXECUTE FUNCTION @@SCHEMA@@.forget_prints();
CREATE TRIGGER forget_words AFTER UPDATE OF deleted_at ON @@SCHEMA@@.chat_message FOR EACH ROW WHEN (((new.deleted_at IS NOT NULL) AND (old.deleted_at IS NULL))) EXECUTE FUNCTION @@SCHEMA@@.forget_words();
ALTER TABLE ONLY @@SCHEMA@@.chat_change
    ADD CONSTRAINT chat_change_message_id_d12c11f8_fk_chat_message_id FOREIGN KEY (message_id) REFERENCES @@SCHEMA@@.chat_message(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY @@SCHEMA@@.chat_change
    ADD CONSTRAINT chat_change_room_id_ba9293dd_fk_chat_room_id FOREIGN KEY (room_id) REFERENCES @@SCHEMA@@.chat_room(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY @@SCHEMA@@.chat_invitation
    ADD CONSTRAINT chat_invitation_room_id_079ce761_fk_chat_room_id FOREIGN KEY (room_id) REFERENCES @@SCHEMA@@.chat_room(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY @@SCHEMA@@.chat_message
    ADD CONSTRAINT chat_message_room_id_5e7d8d78_fk_chat_room_id FOREIGN KEY (room_id) REFERENCES @@SCHEMA@@.chat_room(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY @@SCHEMA@@.chat_participant
    ADD CONSTRAINT chat_participant_room_id_cfc9a140_fk_chat_room_id FOREIGN KEY (room_id) REFERENCES @@SCHEMA@@.chat_room(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY @@SCHEMA@@.chat_reaction
    ADD CONSTRAINT chat_reaction_message_id_e8fe8671_fk_chat_message_id FOREIGN KEY (message_id) REFERENCES @@SCHEMA@@.chat_message(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY @@SCHEMA@@.chat_report
    ADD CONSTRAINT chat_report_message_id_b870dea1_fk_chat_message_id FOREIGN KEY (message_id) REFERENCES @@SCHEMA@@.chat_message(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY @@SCHEMA@@.chat_report
    ADD CONSTRAINT chat_report_room_id_8deeef5b_fk_chat_room_id FOREIGN KEY (room_id) REFERENCES @@SCHEMA@@.chat_room(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY @@SCHEMA@@.chat_room
    ADD CONSTRAINT chat_room_notes_of_id_4d781cca_fk_chat_room_id FOREIGN KEY (notes_of_id) REFERENCES @@SCHEMA@@.chat_room(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY @@SCHEMA@@.chat_room
    ADD CONSTRAINT chat_room_site_id_db2a6126_fk_chat_site_id FOREIGN KEY (site_id) REFERENCES @@SCHEMA@@.chat_site(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY @@SCHEMA@@.chat_room
    ADD CONSTRAINT chat_room_visitor_id_926a0f15_fk_chat_visitor_id FOREIGN KEY (visitor_id) REFERENCES @@SCHEMA@@.chat_visitor(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY @@SCHEMA@@.chat_signedin
    ADD CONSTRAINT chat_signedin_site_id_67a341b3_fk_chat_site_id FOREIGN KEY (site_id) REFERENCES @@SCHEMA@@.chat_site(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY @@SCHEMA@@.chat_tagseen
    ADD CONSTRAINT chat_tagseen_site_id_355af103_fk_chat_site_id FOREIGN KEY (site_id) REFERENCES @@SCHEMA@@.chat_site(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY @@SCHEMA@@.chat_visitor
    ADD CONSTRAINT chat_visitor_site_id_82f8a98f_fk_chat_site_id FOREIGN KEY (site_id) REFERENCES @@SCHEMA@@.chat_site(id) DEFERRABLE INITIALLY DEFERRED;
INSERT INTO @@SCHEMA@@.django_migrations (app, name, applied) VALUES
    ('chat', '0001_initial', now()),
    ('chat', '0002_append', now()),
    ('chat', '0003_rooms_whole', now()),
    ('chat', '0004_presence_and_notices', now()),
    ('chat', '0005_identities_and_reports', now()),
    ('chat', '0006_messages', now()),
    ('chat', '0007_search_by_cid', now()),
    ('chat', '0008_tombstones', now()),
    ('chat', '0009_places_of_visitor', now()),
    ('chat', '0010_told_of_lines', now()),
    ('chat', '0011_append', now()),
    ('chat', '0012_fingerprints', now()),
    ('chat', '0013_order_and_verdicts', now()),
    ('chat', '0014_hours_and_tags', now()),
    ('chat', '0015_last_minute', now()),
    ('chat', '0016_places', now());
