#!/bin/sh
# Makes Porchlight's roles and database when PostgreSQL's data folder is new. Run by the postgres image, as its superuser.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname "${POSTGRES_DB:-postgres}" --username "${POSTGRES_USER:-postgres}" \
    --set app="$PORCH_APP_PASSWORD" --set owner="$PORCH_OWNER_PASSWORD" --file "${CLUSTER_SQL:-/porchlight/cluster.sql}" --file - <<'SQL'
alter role porch_app password :'app';
alter role porch_owner password :'owner';
create database porchlight owner porch_owner;
SQL
