-- Who may do what in this database, by its owner, before the first table is made. Safe to run again.

do $$
begin
  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to porch_app', current_database());
end $$;

revoke all on schema public from public;
grant usage on schema public to porch_platform, porch_tenant;

-- Tables and functions that migrations make later.
alter default privileges for role porch_owner revoke execute on functions from public;
alter default privileges for role porch_owner in schema public grant select, insert, update, delete on tables to porch_platform;
alter default privileges for role porch_owner in schema public grant usage, select on sequences to porch_platform;
alter default privileges for role porch_owner in schema public grant execute on functions to porch_platform;
