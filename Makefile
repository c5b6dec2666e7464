# The front door. `make help` lists what there is; the work is in CMake and in scripts/.
PREFIX ?= /usr/local
release := build/release

.DEFAULT_GOAL := help
.PHONY: help run build checked test soak fuzz bench profile docs format lint install deb clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build Weir and start the quickstart
	$(release)/weir run examples/quickstart.yaml

build: ## build the program: build/release/weir
	@scripts/setup build
	@scripts/build release weir

checked: ## build everything with AddressSanitizer and UBSan: build/checked
	@scripts/setup build
	@scripts/build checked

test: ## check, build and test everything, within minutes
	@scripts/test

soak: ## the same at full count: all seeds, long fuzzing; takes an hour and more
	@scripts/soak

fuzz: ## fuzz every target, SECONDS=60 each
	@scripts/setup build
	@scripts/build checked fuzz_targets
	@scripts/fuzz --seconds $(or $(SECONDS),60)

bench: ## measure Weir beside nginx and HAProxy; BENCH_ARGS=--help for more
	@scripts/setup build bench
	@scripts/build release weir bench_programs micro_benches
	@/usr/bin/python3 bench/run.py $(BENCH_ARGS)

profile: ## count again which way requests take: cmake/release.proftext
	@scripts/profile

docs: build ## write docs/reference from the program's own tables
	@scripts/docs

format: ## format the C++ sources
	@scripts/setup test
	@scripts/format

lint: ## the checks of `make test` that need no build, then clang-tidy if installed
	@scripts/setup build test
	@scripts/check
	@scripts/tidy

install: build ## install the program under DESTDIR and PREFIX (/usr/local)
	@DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) scripts/install

deb: build ## build the Debian package: build/weir_VERSION_ARCHITECTURE.deb
	@scripts/setup package
	@scripts/package

clean: ## remove everything built
	rm -rf build
