-- The schema of a new tenant. Made from the migrations by `python -m saas.up.database template`; do not edit.
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', true);
SET LOCAL check_function_bodies = false;
SET LOCAL xmloption = content;
SET LOCAL client_min_messages = warning;
SET LOCAL row_security = off;
CREATE SCHEMA @@SCHEMA@@;
CREATE FUNCTION @@SCHEMA@@.append(p_room uuid[], p_author_kind text[], p_author_id uuid[], p_author_name text[], p_cid uuid[], p_hash bytea[], p_kind text[], p_text text[], p_reply_to uuid[]) RETURNS TABLE(ord bigint, outcome text, seq bigint, id uuid, ts timestamp with time zone, head bigint, rev bigint, status text, kind text, title text, assignee_id uuid, labels jsonb, people integer, epoch uuid, visitor_id uuid, site_id uuid, site_name text)
    LANGUAGE plpgsql
    SET search_path TO '@@SCHEMA@@', 'pg_temp'
    AS $$
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
$$;
SET LOCAL default_tablespace = '';
SET LOCAL default_table_access_method = heap;
CREATE TABLE @@SCHEMA@@.chat_agentstate (
    person_id uuid NOT NULL,
    state character varying(6) NOT NULL,
    rev bigint NOT NULL,
    CONSTRAINT state_is_known CHECK (((state)::text = ANY ((ARRAY['online'::character varying, 'away'::character varying, 'busy'::character varying])::text[])))
);
CREATE TABLE @@SCHEMA@@.chat_change (
    id uuid NOT NULL,
    author_id uuid NOT NULL,
    cid uuid NOT NULL,
    content_hash bytea NOT NULL,
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
    room_id uuid NOT NULL
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
    CONSTRAINT support_room_has_visitor CHECK (((NOT ((kind)::text = 'support'::text)) OR (visitor_id IS NOT NULL)))
);
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
    words jsonb DEFAULT '[]'::jsonb NOT NULL
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
ALTER TABLE ONLY @@SCHEMA@@.chat_message
    ADD CONSTRAINT stored_once_per_cid UNIQUE (room_id, author_id, cid);
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
CREATE INDEX open_reports ON @@SCHEMA@@.chat_report USING btree (created_at DESC, id DESC) WHERE (settled_at IS NULL);
CREATE INDEX room_newest_first ON @@SCHEMA@@.chat_room USING btree (last_at DESC, id DESC);
CREATE INDEX told_newest_first ON @@SCHEMA@@.chat_notification USING btree (recipient_id, created_at DESC, id DESC);
CREATE INDEX unseen_newest_first ON @@SCHEMA@@.chat_notification USING btree (recipient_id, created_at DESC) WHERE (seen_at IS NULL);
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
ALTER TABLE ONLY @@SCHEMA@@.chat_visitor
    ADD CONSTRAINT chat_visitor_site_id_82f8a98f_fk_chat_site_id FOREIGN KEY (site_id) REFERENCES @@SCHEMA@@.chat_site(id) DEFERRABLE INITIALLY DEFERRED;
INSERT INTO @@SCHEMA@@.django_migrations (app, name, applied) VALUES
    ('chat', '0001_initial', now()),
    ('chat', '0002_append', now()),
    ('chat', '0003_rooms_whole', now()),
    ('chat', '0004_presence_and_notices', now()),
    ('chat', '0005_identities_and_reports', now());
