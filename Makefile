# Every target makes what it needs: the environment in .venv, and (as root on Debian or Ubuntu)
# the system's packages. `make` alone lists the targets.

PYTHON ?= python3
ARGS ?=
JOBS ?= 2
NAME ?=
BIN := .venv/bin
ROOMS := codecs drone edge relay systemd
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint types bench campaign mavproxy wheel clean peers

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name what; do printf '  make %-9s %s\n' "$$name" "$$what"; done

run: .make/run ## an exercise: a centre, a kit, cameras, telemetry; ARGS="--seconds 45 --json"
	@exec $(BIN)/fieldlink demo $(ARGS)

test: .make/test peers ## all tests but the long campaigns; ARGS="tests/codecs -k gap"
	@exec $(BIN)/python -m pytest -q -ra -n $(JOBS) --dist loadgroup $(ARGS)

lint: .make/test ## style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

# The names are one folder up only in a clone called fieldlink, so the check goes through a link.
types: .make/test ## mypy --strict over the rooms and the tests
	@mkdir -p .typecheck
	@ln -sfn .. .typecheck/fieldlink
	@cd .typecheck && MYPYPATH=.:../tests/lab ../$(BIN)/python -m mypy --config-file ../pyproject.toml \
		$(ROOMS:%=-p fieldlink.%) -p fieldlink.tests -p fieldlab

bench: .make/test peers ## one line of JSON for each figure; NAME=prefix
	@exec $(BIN)/python tests/bench $(NAME)

campaign: .make/test peers ## the long seeded campaigns: kills, power cuts
	@exec $(BIN)/python -m pytest -q -ra -m campaign --timeout=7200 $(ARGS)

mavproxy: .make/test .make/mavproxy/installed ## MAVProxy through the router, beside which it is only run
	@exec $(BIN)/python -m pytest -q -ra tests/drone/router/test_foreign.py $(ARGS)

wheel: .make/test ## the wheel, into dist/
	@rm -rf build dist
	@PYTHONWARNINGS=ignore $(BIN)/python -m build --wheel --outdir dist . >&2
	@ls dist/*.whl

clean: ## everything that make made
	rm -rf .venv .make .typecheck build dist *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What the targets need. Chatter goes to standard error: a target's output is its own.

.make/venv: .ci/packages
	@mkdir -p .make
	@PYTHON="$(PYTHON)" .ci/packages venv >&2
	@touch $@

.make/run: .make/venv pyproject.toml
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check -e . >&2
	@touch $@

.make/test: .make/venv pyproject.toml
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]' >&2
	@touch .make/run $@

# GPL: in an environment of its own, started as a program, never imported.
.make/mavproxy/installed: .make/venv
	@$(BIN)/python -m venv .make/mavproxy >&2
	@.make/mavproxy/bin/python -m pip install --quiet --disable-pip-version-check MAVProxy setuptools >&2
	@touch $@

peers: # looked for each time: what is missing today may be installed tomorrow
	@.ci/packages peers >&2
