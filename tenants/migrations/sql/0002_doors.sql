-- What a tenant's role may do outside of its schema: call the functions that are granted to porch_tenant, the doors. They run as
-- their owner and take the tenant from the role in force, never from an argument.

CREATE FUNCTION public.current_tenant() RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found uuid;
BEGIN
    SELECT id INTO found FROM public.tenants_tenant WHERE 'r_' || schema_name = current_setting('role');
    IF found IS NULL THEN
        RAISE EXCEPTION '% is not the role of a tenant', current_setting('role') USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN found;
END
$$;

-- Defer a job in the current transaction. Its arguments carry the tenant's id as `tenant`, whatever the caller put there.
CREATE FUNCTION public.defer_job(
    task_name text, args jsonb, queue text DEFAULT 'default', lock text DEFAULT NULL, queueing_lock text DEFAULT NULL,
    scheduled_at timestamptz DEFAULT NULL
) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT (public.procrastinate_defer_jobs_v1(ARRAY[ROW(
        queue, task_name, 0, lock, queueing_lock, args || jsonb_build_object('tenant', public.current_tenant()), scheduled_at
    )::public.procrastinate_job_to_defer_v1]))[1]
$$;

REVOKE ALL ON FUNCTION public.current_tenant(), public.defer_job(text, jsonb, text, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.defer_job(text, jsonb, text, text, text, timestamptz) TO porch_tenant;
