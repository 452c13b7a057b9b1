-- The door through which a tenant's role writes usage, in the transaction of its cause. The same source counts once.
CREATE FUNCTION public.record_usage(meter text, source_ids uuid[], occurred_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    tenant uuid := public.current_tenant();
BEGIN
    INSERT INTO public.billing_usageevent (id, tenant_id, meter, source_id, quantity, occurred_at, recorded_at)
    SELECT uuidv7(), tenant, record_usage.meter, source, 1, record_usage.occurred_at, statement_timestamp()
    FROM unnest(source_ids) AS source
    ON CONFLICT (tenant_id, meter, source_id) DO NOTHING;
END
$$;

REVOKE ALL ON FUNCTION public.record_usage(text, uuid[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.record_usage(text, uuid[], timestamptz) TO porch_tenant;
