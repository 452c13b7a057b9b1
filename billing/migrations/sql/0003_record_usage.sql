-- As before; the ids of one call share their randomness, which is dear where it is asked for once for each.
CREATE OR REPLACE FUNCTION public.record_usage(meter text, source_ids uuid[], occurred_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    tenant uuid := public.current_tenant();
    stem text := left(uuidv7()::text, 30);
BEGIN
    INSERT INTO public.billing_usageevent (id, tenant_id, meter, source_id, quantity, occurred_at, recorded_at)
    SELECT (stem || lpad(to_hex(place), 6, '0'))::uuid, tenant, record_usage.meter, source, 1, record_usage.occurred_at,
        statement_timestamp()
    FROM unnest(source_ids) WITH ORDINALITY AS given (source, place)
    ON CONFLICT (tenant_id, meter, source_id) DO NOTHING;
END
$$;
