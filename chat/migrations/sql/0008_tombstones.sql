-- forget_words: a message that is deleted takes its words along out of the notifications that quote it: of the room that it opened,
-- and of complaints about it. That somebody was told, and of what kind it was, stays.
CREATE FUNCTION {schema}.forget_words() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_temp AS $forget_words$
BEGIN
    UPDATE chat_notification told SET body = ''
    WHERE told.body <> '' AND told.key = ANY (ARRAY[
        'report:' || NEW.id,
        (SELECT 'room_opened:' || r.id FROM chat_room r WHERE r.id = NEW.room_id AND r.open_cid = NEW.cid)
    ]);
    RETURN NULL;
END
$forget_words$;

CREATE TRIGGER forget_words AFTER UPDATE OF deleted_at ON {schema}.chat_message
FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL) EXECUTE FUNCTION {schema}.forget_words();


-- What was deleted before.
UPDATE {schema}.chat_notification told SET body = ''
FROM {schema}.chat_message m JOIN {schema}.chat_room r ON r.id = m.room_id
WHERE m.deleted_at IS NOT NULL AND told.body <> ''
    AND (told.key = 'report:' || m.id OR (told.key = 'room_opened:' || r.id AND r.open_cid = m.cid));
