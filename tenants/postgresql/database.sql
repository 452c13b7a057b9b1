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

-- Which migrations each of these schemas has had, as app.name; none for a schema that is not there or may not be read. One question
-- for all of them: which are behind is asked of thousands.
create or replace function public.migrations_of(schemas text[]) returns table (schema text, applied text[])
language plpgsql stable set search_path = pg_catalog, pg_temp as $migrations$
declare
  one text;
begin
  foreach one in array schemas loop
    begin
      return query execute
        format('select %L, array_agg(app || ''.'' || name) from %I.django_migrations having count(*) > 0', one, one);
    exception when undefined_table or invalid_schema_name or insufficient_privilege then
      null;
    end;
  end loop;
end $migrations$;
revoke all on function public.migrations_of(text[]) from public;
