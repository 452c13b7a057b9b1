-- append: the one way in which a message comes to be. Called by the journal (many rows of many rooms in one flush) and by
-- services that append inside their own transaction. One element of each array is one message; `outcome` tells of each:
--   stored       it is new: seq, id and ts are its own
--   again        it was stored before under the same cid with the same content: seq, id and ts of that time
--   conflict     the same author used this cid in this room for other content
--   busy         another transaction holds the room: send it again with the next flush
--   not_found    no such room
--   room_closed  the room takes no more messages
-- The rooms are locked in the order of their ids, and one that is held by another is left out rather than waited for, so that
-- two processes never wait for each other. Everything after the lock reads a snapshot taken after it: the function must stay
-- VOLATILE and the isolation READ COMMITTED.
CREATE FUNCTION {schema}.append(
    p_room uuid[], p_author_kind text[], p_author_id uuid[], p_author_name text[], p_cid uuid[], p_hash bytea[],
    p_kind text[], p_text text[], p_reply_to uuid[]
) RETURNS TABLE (
    ord bigint, outcome text, seq bigint, id uuid, ts timestamptz,
    head bigint, rev bigint, status text, kind text, title text, assignee_id uuid, labels jsonb, people integer,
    epoch uuid, visitor_id uuid, site_id uuid, site_name text
)
LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_temp AS $append$
#variable_conflict use_column
DECLARE
    held uuid[];
    moment timestamptz;
BEGIN
    SELECT array_agg(locked.id) INTO held FROM (
        SELECT r.id FROM chat_room r WHERE r.id = ANY (p_room) ORDER BY r.id FOR NO KEY UPDATE SKIP LOCKED
    ) locked;
    held := coalesce(held, ARRAY[]::uuid[]);
    moment := date_trunc('milliseconds', clock_timestamp());

    RETURN QUERY
    WITH given AS MATERIALIZED (
        SELECT g.*, g.room_id = ANY (held) AS is_held
        FROM unnest(p_room, p_author_kind, p_author_id, p_author_name, p_cid, p_hash, p_kind, p_text, p_reply_to)
            WITH ORDINALITY AS g (room_id, author_kind, author_id, author_name, cid, hash, kind, text, reply_to, ord)
    ), before AS MATERIALIZED (
        SELECT g.ord, m.seq, m.id, m.ts, m.content_hash FROM given g
        JOIN chat_message m ON m.room_id = g.room_id AND m.author_id = g.author_id AND m.cid = g.cid
    ), fresh AS MATERIALIZED (
        SELECT DISTINCT ON (g.room_id, g.author_id, g.cid) g.*, uuidv7() AS new_id
        FROM given g JOIN chat_room r ON r.id = g.room_id
        WHERE g.is_held AND r.closed_at IS NULL AND NOT EXISTS (SELECT FROM before b WHERE b.ord = g.ord)
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
        RETURNING r.id, r.last_seq, r.rev, r.status
    ), counted AS MATERIALIZED (
        SELECT public.record_usage('message', array_agg(n.new_id), moment) FROM numbered n
        WHERE n.author_kind <> 'system' HAVING count(*) > 0
    )
    SELECT g.ord,
        CASE
            WHEN r.id IS NULL THEN 'not_found'
            WHEN b.ord IS NOT NULL THEN CASE WHEN b.content_hash = g.hash THEN 'again' ELSE 'conflict' END
            WHEN NOT g.is_held THEN 'busy'
            WHEN n.ord = g.ord THEN 'stored'
            WHEN n.ord IS NOT NULL THEN CASE WHEN n.hash = g.hash THEN 'again' ELSE 'conflict' END
            ELSE 'room_closed'
        END,
        coalesce(b.seq, n.new_seq), coalesce(b.id, n.new_id), coalesce(b.ts, moment),
        coalesce(m.last_seq, r.last_seq), coalesce(m.rev, r.rev), coalesce(m.status, r.status)::text, r.kind::text,
        r.title::text, r.assignee_id, r.labels, r.people, r.epoch, r.visitor_id, r.site_id, s.name::text
    FROM given g
    LEFT JOIN chat_room r ON r.id = g.room_id
    LEFT JOIN chat_site s ON s.id = r.site_id
    LEFT JOIN before b ON b.ord = g.ord
    LEFT JOIN numbered n ON n.room_id = g.room_id AND n.cid = g.cid AND n.author_id IS NOT DISTINCT FROM g.author_id
    LEFT JOIN moved m ON m.id = g.room_id
    LEFT JOIN counted ON true
    ORDER BY g.ord;
END
$append$;
