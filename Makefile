# Thin over meson: every target makes sure that what it needs is installed, then calls the tool that
# does the work. `make help` lists the targets.

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 30
BENCH ?=
TESTS ?=

ASAN_BUILD = $(BUILD)-asan
TSAN_BUILD = $(BUILD)-tsan
FUZZ_BUILD = $(BUILD)-fuzz

.PHONY: help deps demo build test bench lint asan tsan fuzz pythons pythons-full install clean

help:
	@echo 'make build     build/sonde'
	@echo 'make demo      trace a real program; leaves demo-output/flamegraph.html and summary.txt'
	@echo 'make test      every test; TESTS="structure unit ..." for some suites only'
	@echo 'make bench     the benchmark against its peers; BENCH="..." goes to bench/run'
	@echo 'make lint      clang-tidy, clang-format, structure'
	@echo 'make asan      unit tests under the address and undefined-behaviour sanitizers'
	@echo 'make tsan      unit tests under the thread sanitizer'
	@echo 'make fuzz      every fuzz target for FUZZ_SECONDS ($(FUZZ_SECONDS))'
	@echo 'make pythons   a cached root of Debian sid with the newest Pythons, for the tests (root only)'
	@echo 'make pythons-full  that, and Pythons without the GIL, which are built: takes minutes'
	@echo 'make install   PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)'
	@echo 'make clean     remove what the others made'

deps:
	@tools/install-deps

build: deps
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)
	@meson compile -C $(BUILD) -j $(JOBS)

demo:
	@tools/install-deps --demo
	@$(MAKE) --no-print-directory build
	@demo/run $(BUILD)

test:
	@tools/install-deps --test
	@$(MAKE) --no-print-directory build
	@test -f $(BUILD)/.tests-enabled || \
		{ meson configure $(BUILD) -Dtests=enabled && touch $(BUILD)/.tests-enabled; }
	@meson compile -C $(BUILD) -j $(JOBS)
	@tests/run --build $(BUILD) --jobs $(JOBS) $(TESTS)

bench:
	@tools/install-deps --bench
	@$(MAKE) --no-print-directory build
	@bench/run --build $(BUILD) $(BENCH)

lint:
	@tools/install-deps --lint
	@$(MAKE) --no-print-directory build
	@tests/structure/run --build $(BUILD)
	@tools/tidy $(BUILD) $(JOBS)

asan:
	@tools/install-deps --test
	@tests/sanitizers/run --build $(BUILD) address

tsan:
	@tools/install-deps --test
	@tests/sanitizers/run --build $(BUILD) thread

fuzz:
	@tools/install-deps --fuzz
	@tests/fuzz/run --build $(FUZZ_BUILD) --seconds $(FUZZ_SECONDS)

pythons:
	@tools/install-deps --root
	@tools/debian-root make sid

# The mirror may have the sources of only some of them.
pythons-full: pythons
	@tools/free-threaded-python make || test $$? = 77

# The prefix is part of the build: a change of it configures again.
install: build
	@test "$$(cat $(BUILD)/.prefix 2>/dev/null)" = '$(abspath $(PREFIX))' || { \
		meson configure $(BUILD) -Dprefix='$(abspath $(PREFIX))' && \
		meson compile -C $(BUILD) -j $(JOBS) && echo '$(abspath $(PREFIX))' >$(BUILD)/.prefix; }
	@DESTDIR='$(DESTDIR)' meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) $(ASAN_BUILD) $(TSAN_BUILD) $(FUZZ_BUILD) demo-output
