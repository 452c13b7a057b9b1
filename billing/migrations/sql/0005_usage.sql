-- Usage in a partition for each month. What was counted before comes along.

-- The lowest UUIDv7 of a moment: where a period, an hour or a partition begins.
CREATE FUNCTION public.uuid7_floor(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

ALTER TABLE public.billing_usageevent RENAME TO billing_usageevent_before;
CREATE TABLE public.billing_usageevent (
    tenant_id uuid NOT NULL,
    meter varchar(20) NOT NULL,
    source_id uuid NOT NULL,
    quantity bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, meter, source_id)
) PARTITION BY RANGE (source_id);
CREATE TABLE public.billing_usageevent_other PARTITION OF public.billing_usageevent DEFAULT;

-- Partitions for the current month, the one before and so many ahead; what lies in the default one moves. Returns how many were made.
CREATE FUNCTION public.make_usage_partitions(ahead integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
    this_month timestamp := date_trunc('month', statement_timestamp() AT TIME ZONE 'UTC');
    month timestamp;
    part text;
    low uuid;
    high uuid;
    made integer := 0;
BEGIN
    FOR month IN SELECT generate_series(this_month - interval '1 month', this_month + ahead * interval '1 month', interval '1 month') LOOP
        part := 'billing_usageevent_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass('public.' || part) IS NOT NULL;
        low := public.uuid7_floor(month AT TIME ZONE 'UTC');
        high := public.uuid7_floor((month + interval '1 month') AT TIME ZONE 'UTC');
        EXECUTE format('CREATE TABLE public.%I (LIKE public.billing_usageevent INCLUDING ALL)', part);
        EXECUTE format(
            'WITH moved AS (DELETE FROM public.billing_usageevent_other WHERE source_id >= %L AND source_id < %L RETURNING *) '
            'INSERT INTO public.%I SELECT * FROM moved', low, high, part
        );
        EXECUTE format('ALTER TABLE public.billing_usageevent ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', part, low, high);
        EXECUTE format('REVOKE UPDATE, DELETE ON public.%I FROM porch_platform', part);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

-- Drops the partitions that end before the moment. Returns how many.
CREATE FUNCTION public.drop_usage_partitions(before timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
    part text;
    dropped integer := 0;
BEGIN
    FOR part IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.billing_usageevent'::regclass AND c.relname ~ '^billing_usageevent_\d{4}_\d{2}$'
    LOOP
        CONTINUE WHEN (to_date(right(part, 7), 'YYYY_MM') + interval '1 month')::timestamp AT TIME ZONE 'UTC' > before;
        EXECUTE format('DROP TABLE public.%I', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

SELECT public.make_usage_partitions(12);
INSERT INTO public.billing_usageevent (tenant_id, meter, source_id, quantity, occurred_at, recorded_at)
SELECT tenant_id, meter, source_id, quantity, occurred_at, recorded_at FROM public.billing_usageevent_before;
DROP TABLE public.billing_usageevent_before;

-- The period of a month that holds the moment, counted from an anchor in UTC: the 31st stays the 31st where a month has one.
CREATE FUNCTION public.period_from(anchor timestamptz, moment timestamptz)
RETURNS TABLE (period_start timestamptz, period_end timestamptz)
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    base timestamp := anchor AT TIME ZONE 'UTC';
    here timestamp := moment AT TIME ZONE 'UTC';
    steps integer := (extract(year FROM here) - extract(year FROM base)) * 12 + extract(month FROM here) - extract(month FROM base);
BEGIN
    IF base + steps * interval '1 month' > here THEN
        steps := steps - 1;
    END IF;
    period_start := (base + steps * interval '1 month') AT TIME ZONE 'UTC';
    period_end := (base + (steps + 1) * interval '1 month') AT TIME ZONE 'UTC';
    RETURN NEXT;
END
$$;

-- The period in which a tenant's usage of a moment counts: its subscription's, or one counted from the day on which it came.
CREATE FUNCTION public.usage_period(tenant uuid, moment timestamptz)
RETURNS TABLE (period_start timestamptz, period_end timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    live record;
BEGIN
    SELECT s.period_start AS since, s.period_end AS until, s.anchor INTO live FROM public.billing_subscription s
    WHERE s.account_id = tenant AND s.status NOT IN ('canceled', 'incomplete', 'incomplete_expired');
    IF FOUND AND live.since <= moment AND moment < live.until THEN
        RETURN QUERY SELECT live.since, live.until;
    ELSE
        RETURN QUERY SELECT p.period_start, p.period_end FROM public.period_from(
            coalesce(live.anchor, (SELECT a.anchor FROM public.billing_billingaccount a WHERE a.tenant_id = tenant)), moment
        ) p;
    END IF;
END
$$;

DROP FUNCTION public.record_usage(text, uuid[], timestamptz);

-- The door through which a tenant's role counts: each source once. A source's id is a UUIDv7, whose time is when it counts.
CREATE FUNCTION public.record_usage(meter text, source_ids uuid[], occurred_at timestamptz, quantity bigint DEFAULT 1) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    tenant uuid := public.current_tenant();
    latest uuid := public.uuid7_floor(statement_timestamp() + interval '5 minutes');
    wrong uuid;
BEGIN
    SELECT source INTO wrong FROM unnest(source_ids) source
    WHERE uuid_extract_version(source) IS DISTINCT FROM 7 OR source > latest LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% is not the UUIDv7 of something that has happened', wrong USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO public.billing_usageevent (tenant_id, meter, source_id, quantity, occurred_at, recorded_at)
    SELECT tenant, record_usage.meter, source, record_usage.quantity, record_usage.occurred_at, statement_timestamp()
    FROM unnest(source_ids) source
    ON CONFLICT (tenant_id, meter, source_id) DO NOTHING;
END
$$;

-- The door through which a tenant's role counts a visitor, once in each period. Whether this was the first time in it.
CREATE FUNCTION public.record_active_visitor(visitor uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    tenant uuid := public.current_tenant();
    seen timestamptz := clock_timestamp();
    digest bytea := substring(sha256(uuid_send(tenant) || uuid_send(visitor)) FOR 16);
BEGIN
    INSERT INTO public.billing_activevisitor (account_id, period_start, visitor_hash, seen_at)
    SELECT tenant, period.period_start, digest, seen FROM public.usage_period(tenant, seen) period
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO public.billing_usageevent (tenant_id, meter, source_id, quantity, occurred_at, recorded_at)
    VALUES (tenant, 'visitor', uuidv7(), 1, seen, seen);
    RETURN true;
END
$$;

REVOKE ALL ON FUNCTION public.make_usage_partitions(integer), public.drop_usage_partitions(timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.record_usage(text, uuid[], timestamptz, bigint), public.record_active_visitor(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.record_usage(text, uuid[], timestamptz, bigint), public.record_active_visitor(uuid) TO porch_tenant;

-- What is written for good.
REVOKE UPDATE, DELETE ON public.billing_usageevent, public.billing_usageevent_other, public.billing_billingaudit,
    public.billing_accesstransition, public.billing_seatentry, public.billing_planmove FROM porch_platform;
