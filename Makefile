# Everything here sets itself up: only Python 3.11+, pip, git and make must be there.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
BRAND ?= harbour
export HOST PORT
export BANK_BRAND = $(BRAND)

VENV_PYTHON := .venv/bin/python
MANAGE := $(VENV_PYTHON) example_project/manage.py

.DEFAULT_GOAL := help
.PHONY: help bench demo demo-full docs lint messages mutants pictures release schema surface test types

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

demo: .venv/demo.stamp ## serve the demo bank to a browser on this machine (HOST, PORT, BRAND=harbour or meadow)
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) demo_people
	@$(MANAGE) demo_history
	@echo "Open http://$(HOST):$(PORT)/ and stop with Ctrl+C."
	@$(MANAGE) runserver --noreload $(HOST):$(PORT)

demo-full: export CELERY_BROKER_URL ?= redis://127.0.0.1:6379/0
demo-full: export DATABASE_URL ?= postgres://postgres@127.0.0.1:5432/postgres
demo-full: export FACEAUTH_CELERY = true
# honcho gives each process a PORT of its own.
demo-full: export SITE_PORT = $(PORT)
demo-full: .venv/demo-full.stamp ## the same with PostgreSQL, Redis and Celery (DATABASE_URL, CELERY_BROKER_URL)
	@$(MANAGE) demo_services
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) demo_people
	@$(MANAGE) demo_history
	@echo "Open http://$(HOST):$(PORT)/ and stop with Ctrl+C."
	@cd example_project && PATH="$(CURDIR)/.venv/bin:$$PATH" honcho start

test: .venv/test.stamp ## run the tests (ARGS are those of pytest)
	@$(VENV_PYTHON) -m pytest $(ARGS)

bench: .venv/test.stamp ## measure against the budgets (ARGS are those of benchmarks; DATABASE_URL, CELERY_BROKER_URL)
	@$(VENV_PYTHON) -m benchmarks $(ARGS)

mutants: .venv/mutants.stamp ## change the gate and see whether the tests notice, for an hour (ARGS are names of mutants)
	@$(VENV_PYTHON) -m benchmarks.mutants $(ARGS)

lint: .venv/test.stamp ## check the style
	@$(VENV_PYTHON) -m ruff check .
	@$(VENV_PYTHON) -m ruff format --check .

types: .venv/types.stamp ## check the types
	@$(VENV_PYTHON) -m mypy
	@$(VENV_PYTHON) -m basedpyright --pythonpath $(VENV_PYTHON)

docs: .venv/docs.stamp ## build the site of these docs in docs/_build/html, without a network
	@$(VENV_PYTHON) -m sphinx --fail-on-warning --nitpicky --keep-going --quiet \
		-b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html."

pictures: .venv/test.stamp ## take the pictures of docs/images anew (FACEAUTH_TEST_BROWSER)
	@$(VENV_PYTHON) -m tests.browser.pictures

schema: .venv/test.stamp ## write docs/reference/openapi.yaml anew
	@$(VENV_PYTHON) -m django spectacular --settings tests.settings --pythonpath . \
		--urlconf tests.api.own --custom-settings tests.api.own.SETTINGS \
		--validate --fail-on-warn --file docs/reference/openapi.yaml

surface: .venv/test.stamp ## write tests/public_api.txt anew: what sites can rely on
	@$(VENV_PYTHON) -m tests.public_api

messages: .venv/test.stamp ## bring the catalogues up to date and compile them (needs GNU gettext)
	@for app in django_faceauth example_project/bank; do \
		(cd $$app && $(CURDIR)/$(VENV_PYTHON) -m django makemessages \
			--all --no-obsolete --add-location file) || exit 1; \
		$(VENV_PYTHON) -m babel.messages.frontend --quiet compile -d $$app/locale -D django || exit 1; \
	done

release: .venv/release.stamp ## make what is published, in dist/, from a checkout of its tag (ARGS: --source URL)
	@$(VENV_PYTHON) -m release $(ARGS)

.venv/demo.stamp: EXTRAS = demo
.venv/demo-full.stamp: EXTRAS = demo-full
.venv/docs.stamp: EXTRAS = docs
.venv/mutants.stamp: EXTRAS = demo,dev,mutants
.venv/release.stamp: EXTRAS = demo,dev,release
.venv/test.stamp: EXTRAS = demo,dev
.venv/types.stamp: EXTRAS = demo,dev,types
.venv/%.stamp: pyproject.toml
	@echo "Setting up .venv, this once."
	@test -x $(VENV_PYTHON) || $(PYTHON) -m venv --without-pip .venv
	@$(PYTHON) -m pip --python $(VENV_PYTHON) install --quiet pip --editable ".[$(EXTRAS)]"
	@touch $@
