# syntax=docker/dockerfile:1
# One image for web, ws, worker and migrate: the command chooses. At run time only /var/lib/porchlight and /tmp are written.

# The browser's files.
FROM node:24-bookworm-slim AS client
WORKDIR /src/widget/client
COPY widget/client/package.json widget/client/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY widget/client/ ./
RUN node build.mjs --quiet

# The packages, each checked against its hash.
FROM python:3.13-slim-bookworm AS packages
RUN python -m venv /venv
COPY requirements/app.txt /src/requirements/app.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    /venv/bin/pip install --disable-pip-version-check --no-compile --only-binary :all: \
        --require-hashes -r /src/requirements/app.txt \
    && /venv/bin/python -m compileall -q /venv/lib \
    && /venv/bin/pip uninstall --disable-pip-version-check -y -q pip

# What runs.
FROM python:3.13-slim-bookworm
ENV PATH=/venv/bin:/usr/lib/postgresql/18/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=saas.settings \
    DATA_DIR=/var/lib/porchlight \
    STATIC_ROOT=/srv/porchlight/collected
RUN groupadd --gid 10001 porchlight \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin porchlight \
    && install -d -o 10001 -g 10001 /var/lib/porchlight /srv/porchlight/collected /var/lib/porchlight/files
# pg_dump and pg_restore of the server's version, for the archives of single tenants; Debian's own are older. PostgreSQL's own
# packages, from where its image has them, and checked with the key that is there.
COPY --from=postgres:18-bookworm /usr/local/share/keyrings/postgres.gpg.asc /usr/local/share/keyrings/
COPY --from=postgres:18-bookworm /etc/apt/sources.list.d/pgdg.list /etc/apt/sources.list.d/
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client-18 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/porchlight
COPY --from=packages /venv /venv
COPY manage.py ./
COPY saas/ saas/
COPY tenants/ tenants/
COPY billing/ billing/
COPY chat/ chat/
COPY widget/*.py widget/
COPY widget/migrations/ widget/migrations/
COPY templates/ templates/
COPY static/ static/
COPY --from=client /src/static/built/ static/built/
# These values are of this one step: no server would start with them.
RUN SECRET_KEY=none DATABASE_URL=postgresql://none@localhost/none DATABASE_OWNER_URL=postgresql://none@localhost/none \
    python manage.py collectstatic --noinput --verbosity 0 \
    && PYTHONDONTWRITEBYTECODE= python -m compileall -q saas tenants billing chat widget
USER 10001:10001
VOLUME /var/lib/porchlight
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "saas.probe", "live"]
CMD ["python", "-m", "saas.serve", "--host", "0.0.0.0", "--port", "8000"]
