# Everything runs from the locked environment in .venv, which every target sets up by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help
help: ## Say what can be done here
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 20

$(STAMP): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: run make PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

.PHONY: venv
venv: $(STAMP) ## Set up the locked environment

.PHONY: test
test: $(STAMP) ## Run every check and test
	@$(BIN)/python -m tests

.PHONY: e2e
e2e: $(STAMP) ## Build the image and test it on a real kubelet and containerd; needs root and Debian's packages
	@$(BIN)/python -m sandbox.node run $(BIN)/python -m pytest -q --durations=10 tests/enclosure tests/e2e

.PHONY: test-argocd
test-argocd: $(STAMP) ## Test with the real Argo CD, which is built at the first time
	@command -v redis-server >/dev/null || { echo "redis-server is missing: sudo apt-get install redis-server" >&2; exit 1; }
	$(BIN)/python -m sandbox.controlplane build
	$(BIN)/python -m sandbox.controlplane build argocd
	$(BIN)/python -m pytest -q -n 2 --dist worksteal --durations=10 tests/argocd

.PHONY: generate
generate: $(STAMP) ## Write anew what is generated from the code: definition, reference, IAM documents, template
	$(BIN)/apono-operator crds > crds/apono.io_aponoconnectors.yaml
	cp crds/apono.io_aponoconnectors.yaml charts/apono-operator/files/
	cp resource_customizations/apono.io/AponoConnector/health.lua charts/apono-operator/files/argocd-health.lua
	$(BIN)/python -m docs.generate

.PHONY: demo
demo: $(STAMP) ## See connectors come, become Ready, and go, on a real control plane
	$(BIN)/python -m sandbox demo

.PHONY: sandbox
sandbox: $(STAMP) ## Keep cluster, AWS and operator running, to play with
	$(BIN)/python -m sandbox serve

.PHONY: benchmarks
benchmarks: $(STAMP) ## Measure what the operator costs and how fast it is, in about 13 minutes
	$(BIN)/python -m benchmarks

.PHONY: lock
lock: $(STAMP) ## Lock the dependencies anew, with hashes
	$(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
	  --no-emit-find-links --no-header --no-annotate pyproject.toml -o requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
	  --no-emit-find-links --no-header --no-annotate pyproject.toml --group dev -c requirements/runtime.txt -o requirements/dev.txt
