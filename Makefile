# CARGO_TARGET_DIR is honoured when it is set. `make demo` is the place to start.
.PHONY: demo test test-all check lint deny build-tests bench fuzz graphs latency scrape soak soak-delivery mutate-alerts fmt build setup-demo setup-test setup-test-all setup-fuzz clean
.NOTPARALLEL:

demo: setup-demo build ## a whole offboarding on a throwaway PostgreSQL
	cargo run --quiet --locked -- demo

# cargo-nextest where it is installed
TESTS = if command -v cargo-nextest >/dev/null; then cargo nextest run --locked; else cargo test --locked; fi

test: setup-test ## on the PostgreSQL installed and the newest, or those named: REVOKED_TEST_VERSIONS=14,17
	$(TESTS)

test-all: export REVOKED_TEST_VERSIONS = all
test-all: setup-test-all ## on PostgreSQL 13 to 18
	$(TESTS)

build-tests:
	if command -v cargo-nextest >/dev/null; then cargo nextest run --locked --no-run; else cargo test --locked --no-run; fi

check: setup-test lint test deny ## the gate: everything that must be green before a merge

lint:
	cargo fmt --check
	promtool check rules alerts/*.yml alerts/compat/*.yml
	promtool test rules alerts/tests/*.yml
	scripts/check-alerts
	cargo clippy --all-targets --locked -- -D warnings

deny:
	if command -v cargo-deny >/dev/null; then cargo deny --locked check --hide-inclusion-graph bans licenses sources; else echo "cargo-deny is not installed: licences and bans were not checked"; fi

bench: ## figures as ratios; a quarter of an hour, half of it for `core`, beside building
	cargo build --locked --profile dist
	REVOKED_PROGRAM="$$(cargo metadata --locked --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/dist/revoked" \
		cargo bench --locked --bench spine --bench pass --bench intake --bench core

scrape: ## what a scrape costs, beside prometheus-postgres-exporter if that is installed; five minutes
	cargo bench --locked --bench scrape

latency: ## from a change to the metric that shows it, at the default intervals; ten minutes
	cargo bench --locked --bench latency

N ?= 10000
graphs: setup-test ## random graphs of rights against the server's own answers, on each version found; a quarter of an hour a version
	cargo bench --locked --bench graphs -- $(N)

mutate-alerts: setup-test ## each alert broken on purpose: does a test see it? half an hour
	@scripts/mutate-alerts

MINUTES ?= 10
soak: ## memory and processor of an agent at rest, for that many minutes
	cargo bench --locked --bench soak -- $(MINUTES)

DELIVERIES ?= 10000
soak-delivery: ## so many messages through a Slack that fails at random, and an agent that is killed all the time; ten minutes
	REVOKED_SOAK_DELIVERIES=$(DELIVERIES) cargo test --locked --test slack -- --nocapture each_is_there_once

fuzz: setup-fuzz ## any bytes for all that reads what strangers give, for that many minutes in all
	@scripts/fuzz $(MINUTES)

fmt:
	cargo fmt

build:
	cargo build --locked

setup-demo:
	@scripts/setup demo

setup-test:
	@scripts/setup test

setup-test-all:
	@scripts/setup test-all

setup-fuzz:
	@scripts/setup fuzz

clean:
	cargo clean
