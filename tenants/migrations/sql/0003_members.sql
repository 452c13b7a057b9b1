-- The door through which a tenant's role learns who of these people are its active members and in which role; NULL: all of them.
CREATE FUNCTION public.members_of_tenant(people uuid[] DEFAULT NULL) RETURNS TABLE (user_id uuid, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT member.user_id, member.role::text
    FROM public.tenants_membership member JOIN public.tenants_user person ON person.id = member.user_id
    WHERE member.tenant_id = public.current_tenant() AND member.disabled_at IS NULL AND person.is_active
      AND (people IS NULL OR member.user_id = ANY(people))
$$;

REVOKE ALL ON FUNCTION public.members_of_tenant(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.members_of_tenant(uuid[]) TO porch_tenant;
