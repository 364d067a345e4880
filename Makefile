# CARGO_TARGET_DIR is honoured when it is set. `make demo` is the place to start.
.PHONY: demo test check bench latency soak fmt build setup-demo setup-test clean
.NOTPARALLEL:

demo: setup-demo build ## a whole offboarding on a throwaway PostgreSQL
	cargo run --quiet --locked -- demo

test: setup-test ## cargo-nextest where it is installed
	if command -v cargo-nextest >/dev/null; then cargo nextest run --locked; else cargo test --locked; fi

check: setup-test ## the gate: everything that must be green before a merge
	cargo fmt --check
	promtool check rules alerts/*.yml
	promtool test rules alerts/tests/*.yml
	cargo clippy --all-targets --locked -- -D warnings
	$(MAKE) test
	if command -v cargo-deny >/dev/null; then cargo deny --locked check --hide-inclusion-graph bans licenses sources; else echo "cargo-deny is not installed: licences and bans were not checked"; fi

bench: ## figures as ratios; a quarter of an hour, half of it for `core`
	cargo bench --locked --bench spine --bench pass --bench intake --bench core

latency: ## from a change to the metric that shows it, at the default intervals; ten minutes
	cargo bench --locked --bench latency

MINUTES ?= 10
soak: ## memory and processor of an agent at rest, for that many minutes
	cargo bench --locked --bench soak -- $(MINUTES)

fmt:
	cargo fmt

build:
	cargo build --locked

setup-demo:
	@scripts/setup demo

setup-test:
	@scripts/setup test

clean:
	cargo clean
