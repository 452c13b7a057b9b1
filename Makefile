# Everything one does with Porchlight. Needs Python 3.11 or newer, git and make; the rest is fetched into this folder.
# Every path is relative, so that the folder's own name may hold spaces.

PYTHON ?= python3
RUN := .venv/bin/python

# Compiled modules are kept, whatever the environment says: the tests start hundreds of processes, and each would compile Django
# and all of ours again.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help up test check fmt bench chaos rolling-restart infra-apply conformance pictures lock migrate template shell worker setup dev

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  PORT=8001 and DATA_DIR=elsewhere choose another port and data folder; T='tests/chat -k ack' chooses tests."

up: setup ## Run Porchlight with demo data and print where to click
	@exec $(RUN) -m saas.up

test: dev ## Run the tests: client, server, browser; T= chooses some of the latter two
	@$(RUN) -m saas.up.browser
	@$(RUN) -m saas.up.redis
	@$(RUN) -m saas.up.unpacked
	-@$(RUN) -m tests.infra.environment
	$(RUN) -m saas.up.node --test "test/*.test.ts"
	$(RUN) -m pytest -n auto --dist loadgroup $(T)

# Django's types are read from its settings, which connect to nothing.
check: export SECRET_KEY = none
check: export DATABASE_URL = postgresql://none@localhost/none
check: export DATABASE_OWNER_URL = postgresql://none@localhost/none
check: dev ## Lint, format, types and import contracts, in both languages
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy .
	$(RUN) .venv/bin/lint-imports
	$(RUN) -m saas.up.node node_modules/typescript/bin/tsc --noEmit
	$(RUN) -m saas.up.node node_modules/@biomejs/biome/bin/biome check .

fmt: dev ## Format, and mend what the linters can mend
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .
	$(RUN) -m saas.up.node node_modules/@biomejs/biome/bin/biome check --write .

bench: dev ## Measure against other chat servers; writes bench/RESULTS.md
	$(RUN) -m bench

chaos: dev ## Harm it in every way for some twenty minutes; CHAOS_SCENARIO= and CHAOS_SEED= play one again
	@$(RUN) -m saas.up.redis
	$(RUN) -m tests.chaos
	CLIENT_SEEDS=8 CLIENT_MESSAGES=1250 CLIENT_KILLS=125 $(RUN) -m pytest -q -s tests/chaos/test_client_property.py

rolling-restart: dev ## Restart two processes behind nginx under 2,000 sockets; writes tests/infra/rolling_restart.json
	@$(RUN) -m saas.up.redis
	@$(RUN) -m saas.up.unpacked
	$(RUN) -m tests.infra.rolling

infra-apply: dev ## Make the whole of infra/terraform/ on an AWS that answers here, and look at it; needs Terraform
	@$(RUN) -m tests.infra.environment
	@.venv/infra/bin/python -m tests.infra.apply

conformance: dev ## Try any server against the protocol: URL= WIDGET= KEY= PARENT= EMAIL= PASSWORD=, or the one of `make up`
	@$(foreach name,URL WIDGET KEY PARENT EMAIL PASSWORD,$(if $($(name)),CONFORMANCE_$(name)='$($(name))')) \
		$(RUN) -m pytest -q -p no:django -p no:xdist --confcutdir=tests/contract/conformance tests/contract/conformance

pictures: dev ## Photograph the product for the docs; INTO= a folder, and every page of it, to be looked at
	$(RUN) -m tests.e2e.pictures $(INTO)

lock: dev ## Lock pyproject.toml's dependencies with hashes
	$(LOCK) pyproject.toml -o requirements/app.txt
	$(LOCK) pyproject.toml --group embedded -c requirements/app.txt -o requirements/up.txt
	$(LOCK) pyproject.toml --group embedded --group dev -c requirements/up.txt -o requirements/dev.txt
	$(LOCK) --group pyproject.toml:infra -o requirements/infra.txt

LOCK := $(RUN) -m uv pip compile --universal --generate-hashes --no-emit-index-url --python-version 3.11 -q \
	--custom-compile-command "make lock"

migrate: setup ## Bring the platform's and every tenant's schema up to date
	@DATABASE_AS_OWNER=1 exec $(RUN) -m saas.up run manage.py migrate_tenants

template: setup ## Make the SQL that new tenants start from anew, after a change of models
	@exec $(RUN) -m saas.up.database template

shell: setup ## Open a Python shell with the data of `make up`
	@exec $(RUN) -m saas.up run manage.py shell

worker: setup ## Run the job worker as its own process, on the data of `make up`
	@exec $(RUN) -m saas.up run -m saas.worker

setup:
	@$(PYTHON) saas/up/setup.py

dev:
	@$(PYTHON) saas/up/setup.py --dev
