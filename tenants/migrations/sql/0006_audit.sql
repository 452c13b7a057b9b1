-- The door through which a tenant's role writes an act down, in the transaction of the act.
CREATE FUNCTION public.record_act(
    act text, by_kind text, by_id uuid, by_name text, thing_kind text, thing_id text, thing_name text,
    before jsonb, after jsonb, address text, browser text, way text
) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO public.tenants_auditentry (
        id, tenant_id, act, by_kind, by_id, by_name, thing_kind, thing_id, thing_name, before, after, address, browser, way, at
    ) VALUES (
        uuidv7(), public.current_tenant(), act, by_kind, by_id, by_name, thing_kind, thing_id, thing_name, before, after,
        address, browser, way, clock_timestamp()
    )
$$;

-- Forget what is older than two years. It takes no moment, so that nobody can forget more. Returns how many.
CREATE FUNCTION public.forget_old_acts() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    WITH gone AS (DELETE FROM public.tenants_auditentry WHERE at < statement_timestamp() - interval '2 years' RETURNING 1)
    SELECT count(*) FROM gone
$$;

REVOKE ALL ON FUNCTION public.record_act(text, text, uuid, text, text, text, text, jsonb, jsonb, text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.forget_old_acts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.record_act(text, text, uuid, text, text, text, text, jsonb, jsonb, text, text, text)
    TO porch_tenant;

-- What is written for good.
REVOKE UPDATE, DELETE ON public.tenants_auditentry FROM porch_platform;
