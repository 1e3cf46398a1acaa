# Works from a bare checkout with Python 3.11 and Java 17; `make` alone lists the targets.
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONDONTWRITEBYTECODE SPARK_HOME

python := bootstrap/python.sh
run := bootstrap/java.sh .venv/bin/python

.PHONY: help demo test check bench soak conformance docs env airflow jars jdk lock clean preflight

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

demo: jars  ## run the whole platform on generated data
	@$(run) -m jobs.demo

test: jars airflow  ## run the tests
	@$(run) -m pytest -n 2 --dist loadgroup --no-loadscope-reorder

check: jars  ## lint, formatting, types, architecture and lineage
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@$(run) -m pytest tests/test_architecture.py tests/test_lineage.py

bench: jars  ## measure the jobs
	@$(run) -m benchmarks

soak: jars airflow  ## run the long tests
	@$(run) -m pytest -m soak

conformance: env  ## check request shapes against stripe-mock; needs Go
	@command -v go >/dev/null || { echo 'make conformance needs Go: https://go.dev/dl/' >&2; exit 1; }
	@GOBIN="$(CURDIR)/.go/bin" go install github.com/stripe/stripe-mock@v0.203.0
	@.venv/bin/python -m tests.sandbox.against_stripe_mock .go/bin/stripe-mock

docs: env  ## write the generated documentation
	@$(run) -m conf.docs

env: preflight  ## make .venv
	@$(python) bootstrap/env.py .venv requirements/spark.txt requirements/dev.txt

airflow: preflight  ## make .venv-airflow
	@$(python) bootstrap/env.py .venv-airflow requirements/airflow.txt

jars: env  ## fetch the jars and check them against their lock
	@$(run) bootstrap/jars.py

jdk:  ## install a Java 17 into .jdk
	@$(python) bootstrap/env.py .jdk requirements/jdk.txt

lock: preflight  ## regenerate the pins; UPGRADE=1 moves them forward
	@$(python) bootstrap/env.py $(if $(UPGRADE),--upgrade,--lock)
	@$(MAKE) env
	@$(run) bootstrap/jars.py --lock

clean:  ## remove outputs and caches; environments and jars stay
	@rm -rf build dist demo *.egg-info spark-warehouse metastore_db derby.log
	@rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -not -path './.venv*' -not -path './.jdk*' -prune -exec rm -rf {} +

preflight:
	@$(python) -c ''
	@bootstrap/java.sh true
