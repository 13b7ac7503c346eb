# The two commands are `make demo` and `make test`; the rest is for people who work on slipway.
# Everything here installs what it needs from Debian (with sudo where the user is not root) and can be run again at once.

BUILD  ?= build
BUNDLE ?= /var/cache/slipway/bundle-1.20.2
SUDO   := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Tests wait more than they compute.
JOBS   ?= $(shell echo $$((2 * $$(nproc))))
CTEST   = ctest --test-dir build-asan --output-on-failure -j$(JOBS)

all: build

build:
	@.ci/setup build
	@cmake -S . -B $(BUILD) -G Ninja -DSLIPWAY_TESTS=OFF -DCMAKE_BUILD_TYPE=RelWithDebInfo >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@cmake --build $(BUILD) --target slipway

build-asan:
	@.ci/setup build test aws policy helm
	@cmake -S . -B build-asan -G Ninja -DSLIPWAY_SANITIZE=ON -DCMAKE_BUILD_TYPE=Debug >build-asan.log 2>&1 || { cat build-asan.log; exit 1; }
	@rm -f build-asan.log
	@cmake --build build-asan

# From nothing to a Kubernetes cluster of three local nodes, and once more to show that nothing changes.
demo: build
	@.ci/setup lab
	@$(SUDO) inventories/lab/bundle/build.sh $(BUNDLE)
	@SUDO="$(SUDO)" tests/tools/demo.sh $(BUILD)/slipway $(BUNDLE)

# Everything that needs no cluster, under AddressSanitizer and UndefinedBehaviorSanitizer.
test: build-asan
	@$(CTEST) -LE 'e2e'

unit golden lua integration: build-asan
	@$(CTEST) -L $@

lint:
	@.ci/setup build test lint
	@tests/tools/lint.sh

# A real kubeadm on lab nodes; what goes into the cluster, with stand-ins for images; then all three layers behind a real AWS API.
e2e: e2e-lab e2e-layer2 e2e-aws

e2e-lab: e2e-parts
	@$(SUDO) python3 tests/e2e/run.py $(BUILD)/slipway $(BUNDLE)

e2e-layer2: e2e-parts
	@$(SUDO) .ci/setup layer2
	@$(SUDO) python3 tests/e2e/layer2.py $(BUILD)/slipway $(BUNDLE)

e2e-aws: e2e-parts
	@$(SUDO) .ci/setup aws
	@$(SUDO) python3 tests/e2e/aws.py $(BUILD)/slipway $(BUNDLE)

e2e-parts: build
	@.ci/setup lab test
	@$(SUDO) inventories/lab/bundle/build.sh $(BUNDLE)

bench: build
	@.ci/setup bench aws lab
	@python3 tests/bench/run.py $(BENCH)
	@python3 tests/bench/aws.py $(BENCH)
	@$(SUDO) inventories/lab/bundle/build.sh $(BUNDLE)
	@python3 tests/bench/kube.py $(BUILD)/slipway $(BUNDLE) $(BENCH)

fuzz:
	@.ci/setup build test fuzz
	@tests/fuzz/run.sh

install: build
	@$(SUDO) cmake --install $(BUILD)

clean:
	rm -rf build build-*

.PHONY: all build build-asan demo test unit golden lua integration lint e2e e2e-parts e2e-lab e2e-layer2 e2e-aws bench fuzz install clean
