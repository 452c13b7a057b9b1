-- Sums of usage read the index alone.
DO $$
BEGIN
    EXECUTE format('ALTER TABLE public.billing_usageevent DROP CONSTRAINT %I', (
        SELECT conname FROM pg_constraint WHERE conrelid = 'public.billing_usageevent'::regclass AND contype = 'p'
    ));
END
$$;
ALTER TABLE public.billing_usageevent ADD PRIMARY KEY (tenant_id, meter, source_id) INCLUDE (quantity);

-- As before; the event's id is of the very moment whose period the visitor is counted in.
CREATE OR REPLACE FUNCTION public.record_active_visitor(visitor uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    tenant uuid := public.current_tenant();
    seen timestamptz := clock_timestamp();
    source uuid := (left(public.uuid7_floor(seen)::text, 13) || substr(uuidv7()::text, 14))::uuid;
    digest bytea := substring(sha256(uuid_send(tenant) || uuid_send(visitor)) FOR 16);
BEGIN
    INSERT INTO public.billing_activevisitor (account_id, period_start, visitor_hash, seen_at)
    SELECT tenant, period.period_start, digest, seen FROM public.usage_period(tenant, seen) period
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO public.billing_usageevent (tenant_id, meter, source_id, quantity, occurred_at, recorded_at)
    VALUES (tenant, 'visitor', source, 1, seen, statement_timestamp());
    RETURN true;
END
$$;

-- Periods begin with a whole second, as Stripe's do: an id knows no more than the millisecond.
UPDATE public.billing_billingaccount SET anchor = date_trunc('second', anchor);
