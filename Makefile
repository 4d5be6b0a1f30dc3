# Everything here sets itself up: only Python 3.11+, pip, git and make must be there.

PYTHON ?= python3
# A series of Django other than that of constraints.txt: 5.2, 6.0 or 6.1.
DJANGO ?=
VENV ?= .venv$(addprefix -django,$(DJANGO))
CONSTRAINTS ?= constraints.txt
HOST ?= 127.0.0.1
PORT ?= 8000
BRAND ?= harbour
export HOST PORT
export BANK_BRAND = $(BRAND)

# Processes that run tests, and arguments of pytest.
WORKERS ?= auto
ARGS ?=
POSTGRES_URL ?= postgres://postgres@127.0.0.1:5432/postgres
MYSQL_URL ?= mysql://root@127.0.0.1:3306/test
REDIS_URL ?= redis://127.0.0.1:6379/5
AMQP_URL ?= amqp://guest:guest@127.0.0.1:5672//
SERVICE_TESTS ?= tests tests/celery

VENV_PYTHON := $(VENV)/bin/python
MANAGE := $(VENV_PYTHON) example_project/manage.py
PYTEST := $(VENV_PYTHON) -m pytest --numprocesses $(WORKERS)
PIN_DJANGO := $(if $(DJANGO),&& $(VENV_PYTHON) -m pip install --quiet --constraint constraints/django-$(DJANGO).txt django)
CONSTRAIN := $(foreach file,$(CONSTRAINTS),--constraint $(file) --build-constraint $(file))
# Without compiled files each start of pytest would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

ifneq ($(origin PYTHON),file)
ifneq ($(wildcard $(VENV_PYTHON)),)
ifneq ($(shell $(PYTHON) --version),$(shell $(VENV_PYTHON) --version))
$(error $(VENV) was made with another Python: remove it, or choose another folder with VENV=.venv-2)
endif
endif
endif

.DEFAULT_GOAL := help
.PHONY: help bench demo demo-full docs lint lock messages messages-check pictures schema \
	test test-browser test-latest test-nightly test-package test-services types

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/demo.stamp ## serve the demo bank to a browser on this machine (HOST, PORT, BRAND=harbour or meadow)
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) demo_people
	@$(MANAGE) demo_history
	@echo "Open http://$(HOST):$(PORT)/ and stop with Ctrl+C."
	@$(MANAGE) faceauth_sync --watch & sweep=$$!; \
		$(MANAGE) runserver --noreload $(HOST):$(PORT) & server=$$!; \
		trap "kill $$sweep $$server 2>/dev/null" EXIT; trap exit INT TERM; wait $$server

demo-full: export CELERY_BROKER_URL ?= redis://127.0.0.1:6379/0
demo-full: export DATABASE_URL ?= $(POSTGRES_URL)
demo-full: export FACEAUTH_RUNNER = celery
# honcho gives each process a PORT of its own.
demo-full: export SITE_PORT = $(PORT)
demo-full: $(VENV)/demo-full.stamp ## the same with PostgreSQL, Redis and Celery (DATABASE_URL, CELERY_BROKER_URL)
	@$(MANAGE) demo_services
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) demo_people
	@$(MANAGE) demo_history
	@echo "Open http://$(HOST):$(PORT)/ and stop with Ctrl+C."
	@cd example_project && PATH="$(CURDIR)/$(VENV)/bin:$$PATH" honcho start

test: $(VENV)/test$(if $(filter postgres% mysql%,$(DATABASE_URL)),-services).stamp ## run what needs no service, browser or network (ARGS, WORKERS, DATABASE_URL)
	@$(PYTEST) $(ARGS)
	@echo "Not run: make test-browser, make test-package, make test-services (databases, brokers, workers)."

test-browser: $(VENV)/test-browser.stamp ## drive the running example bank, by HTTP and in Chromium (FACEAUTH_TEST_BROWSER)
	@$(PYTEST) --dist loadfile tests/browser tests/example $(ARGS)
	@echo "Not run: make test, make test-package, make test-services."

test-package: $(VENV)/test-package.stamp ## build the package, try each extra, follow README and tutorial (needs a package index)
	@$(PYTEST) --dist loadfile tests/package $(ARGS)
	@echo "Not run: make test, make test-browser, make test-services."

test-services: $(VENV)/test-services.stamp ## run what depends on databases and brokers (POSTGRES_URL, MYSQL_URL, REDIS_URL, AMQP_URL)
	@DATABASE_URL=$(POSTGRES_URL) CELERY_BROKER_URL=$(REDIS_URL) $(PYTEST) $(ARGS) -m database $(SERVICE_TESTS)
	@DATABASE_URL=$(MYSQL_URL) CELERY_BROKER_URL=$(AMQP_URL) $(PYTEST) $(ARGS) -m database $(SERVICE_TESTS)
	@echo "Not run: make test, make test-browser, make test-package."

test-nightly: $(VENV)/test-services.stamp ## fuzz, play made-up histories, kill webs, workers, databases and brokers: hours
	@$(PYTEST) --hypothesis-profile=fuzz tests/provider/test_signatures.py tests/provider/test_notices.py \
		tests/api/test_schemathesis.py
	@FACEAUTH_TEST_HISTORIES=10000 $(VENV_PYTHON) -m pytest tests/webhooks/test_histories.py
	@FACEAUTH_TEST_TABS=50 $(VENV_PYTHON) -m pytest tests/browser/test_tabs.py
	@DATABASE_URL=$(POSTGRES_URL) FACEAUTH_TEST_ROUNDS=1000 $(VENV_PYTHON) -m pytest tests/gate/test_races.py
	@$(MAKE) test-services SERVICE_TESTS=tests/celery/test_chaos.py FACEAUTH_TEST_EVENTS=20000 ARGS=-rP

test-latest: ## run the tests with the newest releases of all packages
	@rm -rf .venv-latest
	@$(MAKE) test VENV=.venv-latest CONSTRAINTS=

bench: $(VENV)/test-services.stamp ## measure against the budgets (ARGS are those of benchmarks; DATABASE_URL, CELERY_BROKER_URL)
	@$(VENV_PYTHON) -m benchmarks $(ARGS)

lint: $(VENV)/lint.stamp ## check style, spelling and configuration files
	@$(VENV_PYTHON) -m ruff check .
	@$(VENV_PYTHON) -m ruff format --check .
	@git ls-files -z "*.py" | xargs -0 $(VENV)/bin/django-upgrade --target-version 5.2
	@$(VENV)/bin/codespell
	@$(VENV)/bin/pyproject-fmt --check pyproject.toml
	@$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(VENV)/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(VENV)/bin/check-jsonschema --builtin-schema vendor.readthedocs .readthedocs.yaml

types: $(VENV)/types.stamp ## check the types
	@$(VENV_PYTHON) -m mypy
	@$(VENV_PYTHON) -m basedpyright --pythonpath $(VENV_PYTHON)

docs: $(VENV)/docs.stamp ## build the documentation in docs/_build/html, without a network
	@$(VENV_PYTHON) -m sphinx --fail-on-warning --nitpicky --keep-going --quiet \
		-b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html."

pictures: $(VENV)/test-browser.stamp ## take the pictures in docs/images (FACEAUTH_TEST_BROWSER)
	@$(VENV_PYTHON) -m tests.browser.pictures

schema: $(VENV)/test.stamp ## write docs/reference/openapi.yaml
	@$(VENV_PYTHON) -m django spectacular --settings tests.settings --pythonpath . \
		--urlconf tests.api.own --custom-settings tests.api.own.SETTINGS \
		--validate --fail-on-warn --file docs/reference/openapi.yaml

messages: $(VENV)/test.stamp ## update and compile the catalogues, and count what is not translated (needs GNU gettext)
	@for app in django_faceauth example_project/bank; do \
		(cd $$app && $(CURDIR)/$(VENV_PYTHON) -m django makemessages \
			--all --no-obsolete --add-location file) || exit 1; \
		$(VENV_PYTHON) -m babel.messages.frontend --quiet compile -d $$app/locale -D django || exit 1; \
	done
	@$(VENV_PYTHON) -m tests.catalogues

messages-check: $(VENV)/test.stamp ## fail if a translation is missing, fuzzy or not compiled
	@$(VENV_PYTHON) -m tests.catalogues --check

lock: $(VENV)/setup.stamp ## write the newest versions of all developer dependencies into constraints.txt
	@$(VENV_PYTHON) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-annotate \
		--all-extras $(foreach group,$(GROUPS),--group $(group)) \
		--custom-compile-command "make lock" --output-file constraints.txt pyproject.toml
	@for series in 5.2 6.0 6.1; do \
		echo "django~=$$series.0" | $(VENV_PYTHON) -m uv pip compile --quiet --upgrade --no-deps \
			--universal --python-version 3.12 --no-annotate --custom-compile-command "make lock" \
			--output-file constraints/django-$$series.txt - || exit 1; \
	done

GROUPS := demo-full docs lint setup test-browser test-package test-services tox types

# One environment for all targets; each adds the dependency group that it is named for. "a+b.stamp"
# adds two groups at once.
$(VENV)/%.stamp: pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
		{ echo "Python 3.11 or newer is needed. Name one: make $(MAKECMDGOALS) PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c "import pip, venv" 2>/dev/null || \
		{ echo "$(PYTHON) lacks pip or venv. On Debian: apt-get install python3-pip python3-venv"; exit 1; }
	@echo "Setting up $(VENV) for $*, which takes a minute or two."
	@test -x $(VENV_PYTHON) || $(PYTHON) -m venv --without-pip $(VENV)
	@{ $(PYTHON) -m pip --python $(VENV_PYTHON) install --quiet $(addprefix --constraint ,$(CONSTRAINTS)) pip && \
		$(VENV_PYTHON) -m pip install --quiet $(CONSTRAIN) $(addprefix --group ,$(subst +, ,$*)) --editable . $(PIN_DJANGO); } \
		>$(VENV)/setup.log 2>&1 || \
		{ echo "The packages could not be installed: is there a network? $(VENV)/setup.log has pip's output."; exit 1; }
	@touch $@
