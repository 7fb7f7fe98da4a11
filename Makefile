# Bare `make` lists the targets. Everything is set up by the first target that needs it.
.DEFAULT_GOAL := help
.PHONY: help setup setup-test up down status test test-faults test-all lint check generate bench bench-diagnosis verify load models tour mitigations screenshots

TARGET ?= auto
RATE ?= 5
DURATION ?= 60
CASES ?= .run/campaign
# The modules that write files which are checked in, in the order in which they need each other.
GENERATORS := lab.slo k8s.build deploy.grafana.build chassis.conventions tests.contract.faults_doc
PYTHON := .venv/bin/python
FAULTLINE := .venv/bin/faultline

help: ## list the targets
	@echo "Faultline: practise root-cause analysis on a real system."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "Then: .venv/bin/faultline --help"

setup:
	@deploy/local/setup.sh

setup-test:
	@deploy/local/setup.sh test

# For targets that need no more than the command line: what `make up` has set up will do.
$(FAULTLINE):
	@deploy/local/setup.sh

up: ## set up what is missing, start the whole system, show a first trace (TARGET=auto|local|compose|k8s)
	@deploy/local/setup.sh $(TARGET)
	@$(FAULTLINE) up --target $(TARGET)

down: ## stop what `make up` started, and nothing else
	@if [ -x $(FAULTLINE) ]; then $(FAULTLINE) down; else echo "Nothing was running: nothing is set up."; fi

status: ## show each program: state, process, ports, memory
	@if [ -x $(FAULTLINE) ]; then $(FAULTLINE) status; else echo "Nothing is set up. \`make up\` does it all."; exit 1; fi

test: setup-test ## run every test, two at a time; needs nothing running, starts its own stacks
	@$(PYTHON) -m pytest -n 2 --dist loadscope --no-loadscope-reorder

lint: setup ## lint, format, types, import rules, backend configurations
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	promtool check config deploy/prometheus/prometheus.local.yml
	promtool check rules deploy/prometheus/rules/*.yml
	amtool check-config deploy/alertmanager/alertmanager.yml

check: lint ## all of lint, and the contracts: names, documents, deployment files, queries
	$(PYTHON) -m pytest -q tests/contract

generate: setup ## write every generated file again: rules, manifests, dashboards, pages (`make check` compares)
	@for module in $(GENERATORS); do echo "$$module"; $(PYTHON) -m $$module || exit 1; done

bench: setup ## measure start, memory, latency with and without telemetry (BENCH="--count 300" for a short one)
	@$(PYTHON) -m bench $(BENCH)

verify: $(FAULTLINE) ## check a running stack by its APIs: trace, logs, exemplar, panels, rules, test alert
	@$(FAULTLINE) verify

bench-diagnosis: setup ## how well the engine finds the causes of recorded cases (CASES=.run/campaign)
	@$(PYTHON) -m bench.diagnosis $(CASES)

load: $(FAULTLINE) ## send extra traffic to the running system (RATE=5 DURATION=60)
	@$(FAULTLINE) load --rate $(RATE) --duration $(DURATION)

screenshots: setup-test ## six pictures of the running system for README and documents, into docs/images
	@$(PYTHON) -m tests.browser.screenshots

models: setup ## train the models again from the marketplace (they are committed; `make up` needs no training)
	@$(PYTHON) -m marketplace.training

tour: setup ## run every fault once, about an hour, and judge it; goes on where it stopped (TOUR="--only pool-of-one --again")
	@$(PYTHON) -m lab.tour $(TOUR)

mitigations: setup ## run each command of the runbooks against each fault it is for, hours (MITIGATIONS="--once" for a part)
	@$(PYTHON) -m bench.mitigations $(MITIGATIONS)

test-faults: setup-test ## of these tests, the faults alone: eight live, one for each seam, with the tour's assertions
	@$(PYTHON) -m pytest tests/system/test_faults.py

test-all: setup-test ## run every test, and want a complete tour besides
	@$(PYTHON) -m pytest -m ""
