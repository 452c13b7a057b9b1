-- A message that is deleted leaves no fingerprint of its words: short words could be guessed from it. What is sent under a `cid`
-- whose fingerprint is gone is taken for a repeat, whatever it says: it gets the answer of that time, and nothing is stored.

-- amend is that of 0006 but for this rule, which `append` (0011) has, too.
CREATE OR REPLACE FUNCTION {schema}.amend(
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
$amend$;

-- forget_prints: the fingerprints of a deleted message, of its changes, and of the `open` that said it.
CREATE FUNCTION {schema}.forget_prints() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_temp AS $forget_prints$
BEGIN
    UPDATE chat_change c SET content_hash = NULL WHERE c.message_id = NEW.id;
    UPDATE chat_room r SET open_hash = NULL
    WHERE r.id = NEW.room_id AND r.open_hash IS NOT NULL AND (r.open_cid = NEW.cid OR NEW.kind = 'form');
    NEW.content_hash := NULL;
    RETURN NEW;
END
$forget_prints$;

CREATE TRIGGER forget_prints BEFORE UPDATE OF deleted_at ON {schema}.chat_message
FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL) EXECUTE FUNCTION {schema}.forget_prints();


-- What was deleted before.
UPDATE {schema}.chat_room r SET open_hash = NULL FROM {schema}.chat_message m
WHERE m.deleted_at IS NOT NULL AND r.id = m.room_id AND r.open_hash IS NOT NULL AND (r.open_cid = m.cid OR m.kind = 'form');
UPDATE {schema}.chat_change c SET content_hash = NULL FROM {schema}.chat_message m
WHERE m.deleted_at IS NOT NULL AND c.message_id = m.id AND c.content_hash IS NOT NULL;
UPDATE {schema}.chat_message m SET content_hash = NULL WHERE m.deleted_at IS NOT NULL AND m.content_hash IS NOT NULL;
