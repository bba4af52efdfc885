# Everything that is run on this repository. `make` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
JAVA_HOME := $(shell cli/launcher/find-jdk)
export JAVA_HOME
PEERS_DIR := $(or $(OUTRIGGER_PEERS_DIR),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/outrigger/peers)
export OUTRIGGER_ENVOY ?= $(PEERS_DIR)/envoy
MVN := $(shell command -v mvn 2>/dev/null)
MVNFLAGS ?= -B -ntp

.PHONY: helm-test help build images check test e2e e2e-kubernetes e2e-chaos fuzz bench demo crds format clean tools peers

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

tools:
	@[ -n "$(JAVA_HOME)" ] || exit 1
	@[ -n "$(MVN)" ] || { echo "make: Maven (mvn) is missing; install it, for example: apt-get install maven" >&2; exit 1; }

build: tools ## build the launcher's folder, target/dist
	@cli/launcher/build "$(CURDIR)"

images: build ## the container image with a bill of materials, in target/image; ARCH=arm64, or all for an index
	cli/image/build

check: tools ## format, lint, compile, unit tests of what is quick
	$(MVN) $(MVNFLAGS) -pl '!e2e' verify

test: tools ## all unit and in-process tests
	$(MVN) $(MVNFLAGS) verify

e2e: tools build ## whole meshes with real peers, in network namespaces (root) and on loopback
	$(MVN) $(MVNFLAGS) -pl e2e -am -De2e.skip=false -Dtest='dev.outrigger.e2e.**,!dev.outrigger.e2e.kubernetes.**' -Dsurefire.failIfNoSpecifiedTests=false verify

e2e-kubernetes: tools images ## on a real node with kubelet and containerd, built on first use (about 15 minutes; root)
	e2e/kubernetes/install node
	e2e/kubernetes/conformance/install
	e2e/spire/install
	e2e/helm/install
	e2e/helm/test
	e2e/helm/cluster
	OUTRIGGER_PEERS=required $(MVN) $(MVNFLAGS) -pl e2e -am -De2e.skip=false -Dtest='dev.outrigger.e2e.kubernetes.**' -Dsurefire.failIfNoSpecifiedTests=false verify

e2e-chaos: tools build ## every fault counted in full, 10,000 each (half an hour, a quiet machine); prints the table
	$(MVN) $(MVNFLAGS) -pl e2e -am -De2e.skip=false -Doutrigger.full=true -Dgroups=measured -Dtest='dev.outrigger.e2e.**' -Dsurefire.failIfNoSpecifiedTests=false test

peers: ## install the real peers that the end-to-end tests and the benchmark use (Debian, root)
	e2e/peers/install

helm-test: ## lint, test, render and judge the chart (builds helm and two judges on first use)
	@e2e/helm/install
	@e2e/helm/test
	@e2e/kubernetes/install
	@e2e/helm/cluster

fuzz: tools ## fuzz what peers send to the parsers, with Jazzer, for SECONDS (60)
	@e2e/fuzz/run $(or $(SECONDS),60)

bench: tools build ## CPU, memory and latency beside Envoy, HAProxy and nginx; QUICK=1 for four minutes
	e2e/bench/run

demo: ## a mesh on this machine
	./outrigger demo

crds: tools ## write the chart's CRDs from the tables of fields again
	$(MVN) $(MVNFLAGS) -q -Pquick -pl control-plane -am test -Dtest=CrdsTest -Dsurefire.failIfNoSpecifiedTests=false -Doutrigger.crds=write

format: tools ## format the sources
	$(MVN) $(MVNFLAGS) -q spotless:apply

clean: tools ## remove what was built
	$(MVN) $(MVNFLAGS) -q clean
