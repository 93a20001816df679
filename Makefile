# What a developer of millpond runs. `make` alone lists the targets.

# Features, each of which must build alone; add new ones here.
FEATURES := axum dashboard documents forecast metrics numa prometheus serde test-util tower
# The libraries, and the compiler that they promise (`rust-version` in Cargo.toml).
LIBRARIES := --package millpond --package millpond-convert --package millpond-documents --package millpond-forecast
MSRV := 1.85
# With these clippy, tests and docs are run.
ALL := --workspace --all-features

.DEFAULT_GOAL := help
.PHONY: help test fmt lint msrv unit doctest doc docsrs examples benches loom numa mutants architecture bench wrk flaky rtf libreoffice dashboard grafana fuzz

help: ## this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/: .*## /\t/' | expand -t 16

# From an empty target; what is built once needs no notes for the next time.
test: export CARGO_INCREMENTAL = 0
test: fmt lint msrv unit doctest doc examples benches loom numa ## every check; what CI runs

fmt: ## formatting
	@$(call step,formatting)
	cargo fmt --all -- --check

lint: ## clippy over the feature combinations
	@$(call step,clippy)
	cargo clippy $(ALL) --all-targets -- -D warnings
	cargo clippy --package millpond --all-targets --no-default-features -- -D warnings
	set -e; for f in $(FEATURES); do cargo clippy --package millpond --lib --no-default-features --features $$f -- -D warnings; done
	RUSTFLAGS="--cfg millpond_loom" cargo clippy --package millpond --lib --no-default-features --target-dir target/loom -- -D warnings

msrv: ## the libraries, compiled by the oldest compiler that they promise, if rustup has it
	@$(call step,oldest compiler)
	@if rustup toolchain list 2>/dev/null | grep -q '^$(MSRV)'; then \
		cargo +$(MSRV) check --target-dir target/msrv $(LIBRARIES) --all-features; \
	else \
		echo 'rustup has no $(MSRV): clippy (incompatible_msrv) and tests/docs check what is declared'; \
	fi

unit: ## unit and integration tests, the architecture test among them
	@$(call step,tests)
	cargo test $(ALL) --lib --bins --tests
	cargo test --package millpond --no-default-features --lib
	cargo test --release --package millpond-examples --test simulator

doctest: ## the examples in the documentation
	@$(call step,documentation tests)
	cargo test $(ALL) --doc

doc: ## the documentation, private and public, without a warning or a link that leads nowhere
	@$(call step,documentation)
	RUSTDOCFLAGS="-D warnings" cargo doc $(ALL) --no-deps --document-private-items
	rm -rf target/doc
	# First what others link to: rustdoc makes no link to a page that is not there yet.
	RUSTDOCFLAGS="-D warnings" cargo doc --package millpond-convert --package millpond-forecast --no-deps
	RUSTDOCFLAGS="-D warnings" cargo doc $(ALL) --no-deps
	cargo test $(ALL) --test docs -- --include-ignored

docsrs: ## the documentation as docs.rs builds it (needs a nightly toolchain)
	RUSTDOCFLAGS="-D warnings --cfg docsrs" cargo +nightly doc --target-dir target/docsrs $(LIBRARIES) --all-features --no-deps

examples: ## the examples, built, and the main job once
	@$(call step,examples)
	cargo build --package millpond-examples --examples
	cargo run --quiet --package millpond-examples --example usage
	cargo run --quiet --release --example convert -- --overwrite --out target/converted > target/convert.txt
	@tail -n 3 target/convert.txt

benches: ## the benches, compiled
	@$(call step,benches)
	cargo build --package millpond-peers --benches

loom: ## models of the hand-made protocols, over every interleaving
	@$(call step,loom models)
	RUSTFLAGS="--cfg millpond_loom -D warnings" cargo test --release --package millpond --lib --no-default-features --target-dir target/loom loom_

numa: ## workers and memory in virtual machines with several NUMA nodes, 40 s (installs QEMU; says so where it can't)
	@$(call step,NUMA)
	tests/numa/run

mutants: ## shows that the models can fail
	scripts/mutants

architecture: ## no file imports upward
	cargo test --package millpond --test architecture

bench: ## measures, against the peers (a quarter of an hour; leave the machine alone meanwhile)
	cargo bench --package millpond-peers --bench dispatch
	cargo bench --package millpond-peers --bench batch
	cargo bench --package millpond-peers --bench latency
	cargo bench --package millpond-peers --bench documents
	cargo bench --package millpond-peers --bench runtime_lag
	cargo bench --package millpond-peers --bench overload
	cargo bench --package millpond-peers --bench run_order
	cargo bench --package millpond-peers --bench memory
	cargo bench --package millpond-peers --bench service

wrk: ## the document service under 1,000 connections and overload, against the peers (installs wrk)
	scripts/wrk-service

flaky: ## the tests, twenty times in a row
	set -e; for i in $$(seq 20); do echo "run $$i"; cargo test --quiet $(ALL) --lib --bins --tests; done

rtf: ## the RTF reader against pandoc, unrtf and striprtf, on real files (fetches 280 MB of Debian sources)
	scripts/check-rtf

libreoffice: ## the RTF that is written, as LibreOffice shows it (installs LibreOffice Writer)
	scripts/check-libreoffice

dashboard: ## the page of the dashboard in a browser, under load (installs Chromium)
	scripts/check-dashboard

grafana: ## the Grafana dashboard and the alerts in Prometheus, under load (gets Debian's Prometheus)
	scripts/check-grafana

fuzz: ## the splitters and the RTF reader, by chance, ten minutes each (needs a nightly toolchain)
	scripts/fuzz

# Names a step and the time.
step = printf '\n=== %s (%s)\n' '$(1)' "$$(date +%T)"
