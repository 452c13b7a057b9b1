-- forget_words: a message that is deleted takes its words along out of the notifications that quote it: of the room that it opened,
-- of a new line, of a name in it, and of complaints about it. That somebody was told, and of what kind it was, stays.
CREATE OR REPLACE FUNCTION {schema}.forget_words() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_temp AS $forget_words$
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
$forget_words$;
