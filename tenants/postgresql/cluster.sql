-- The roles, once per cluster, by somebody who may make roles. Safe to run again.
-- By hand:  psql -f cluster.sql  then  \password porch_app  \password porch_owner  and  createdb --owner porch_owner porchlight
-- The rest is done by `manage.py migrate_tenants`, which runs as porch_owner.

do $$
begin
  -- DDL: migrations and provisioning. The web uses it for nothing but sign-up.
  if not exists (select from pg_roles where rolname = 'porch_owner') then
    create role porch_owner login createrole;
  end if;
  -- The web's login. It holds nothing itself: it must first become the platform or a tenant.
  if not exists (select from pg_roles where rolname = 'porch_app') then
    create role porch_app login noinherit;
  end if;
  -- Reads and writes the tables of `public`.
  if not exists (select from pg_roles where rolname = 'porch_platform') then
    create role porch_platform nologin;
  end if;
  -- What every tenant may do in `public`: call the doors. A role of a tenant, r_<schema>, is a member.
  if not exists (select from pg_roles where rolname = 'porch_tenant') then
    create role porch_tenant nologin;
  end if;
end $$;

grant porch_platform to porch_app with inherit false, set true;
grant porch_tenant to porch_owner with admin true, inherit false, set false;

-- A stuck statement of the web must not hold a room's lock for everyone.
alter role porch_app set statement_timeout = '30s';
alter role porch_app set lock_timeout = '10s';
alter role porch_app set idle_in_transaction_session_timeout = '60s';
