# Tests. A suite is a make target that appends "passed failed" to the file named in RESULT, if that is set.
OTHER_PLAT := $(if $(filter unix,$(PLAT)),win,unix)
UNIT_HERE := $(filter-out tests/unit/plat/$(OTHER_PLAT)/%,$(UNIT_SRC))
UNIT_BIN := $(patsubst tests/unit/%.c,$(O)/tests/%$(EXE),$(UNIT_HERE))
UNIT_WANTED := $(if $(T),$(filter $(O)/tests/$(T)_test$(EXE),$(UNIT_BIN)),$(UNIT_BIN))
FAKES_AR := $(O)/libea-fakes.a
TEST_ARS := $(FAKES_AR) $(LOCAL_AR) $(API_AR) $(CORE_AR)
TEST_LIBS = -Wl,--start-group $(TEST_ARS) -Wl,--end-group -L$(DEPS)/lib -lcmocka $(LIBS)
SIM := $(if $(SIM_SRC),$(O)/tests/sim/sim$(EXE))
SIM_STORE := $(if $(SIM_STORE_SRC),$(O)/tests/sim/sim-store$(EXE))
HOST_SIM := $(O)/tests/sim/host_sim$(EXE)
BENCH_BIN := $(patsubst tests/bench/%.c,$(O)/tests/bench/%$(EXE),$(BENCH_SRC))
WINE_BIN := $(patsubst tests/wine/%.c,$(O)/tests/wine/%$(EXE),$(sort $(wildcard tests/wine/*.c)))

$(FAKES_AR): $(call obj,$(FAKES_SRC)) $(O)/fakes.list
	$(make_archive)

define link_test
@mkdir -p $(@D)
$(if $(V),,@echo "  LINK $@")
$(Q)$(CC) $(CFLAGS_OWN) $(LDFLAGS_OWN) -o $@ $(filter %.o,$^) $(TEST_LIBS)
endef

# Files beside a test that are no tests themselves help all tests of that folder.
helpers = $(call obj,$(filter-out %_test.c,$(wildcard tests/unit/$(1)/*.c)))
.SECONDEXPANSION:
$(UNIT_BIN): $(O)/tests/%$(EXE): $(O)/obj/tests/unit/%.o $$(call helpers,$$(*D)) $(TEST_ARS)
	$(link_test)
$(SIM): $(call obj,$(SIM_SRC)) $(TEST_ARS)
	$(link_test)
$(SIM_STORE): $(call obj,$(SIM_STORE_SRC)) $(TEST_ARS)
	$(link_test)
$(HOST_SIM): $(O)/obj/tests/sim/host/host_sim.o $(TEST_ARS)
	$(link_test)
$(BENCH_BIN): $(O)/tests/bench/%$(EXE): $(O)/obj/tests/bench/%.o $(TEST_ARS)
	$(link_test)
$(WINE_BIN): $(O)/tests/wine/%$(EXE): $(O)/obj/tests/wine/%.o $(TEST_ARS)
	$(link_test)
# Object files of tests are kept, for the next link and the debugger.
.SECONDARY: $(call obj,$(UNIT_SRC) $(SIM_SRC) $(SIM_STORE_SRC) $(BENCH_SRC) $(FAKES_SRC) $(wildcard tests/wine/*.c tests/unit/*/*.c))
-include $(patsubst %.o,%.d,$(call obj,$(UNIT_SRC) $(SIM_SRC) $(SIM_STORE_SRC) tests/sim/host/host_sim.c $(BENCH_SRC) $(wildcard tests/wine/*.c tests/unit/*/*.c)))

export RESULT
RUNNER_FOR := $(if $(filter windows,$(TARGET)),build/wine.sh)

.PHONY: test unit unit-bins unit-san sim sim-bin mutants mutants-smoke integ wine sanitize test-bins
test: ## every suite: unit, simulation, module, whole program, Wine; ends "N passed, N failed"
	@build/setup.sh
	@build/test-all.sh unit sim mutants-smoke module-test integ wine

unit-bins: $(UNIT_WANTED)
unit: $(UNIT_WANTED) ## unit tests for TARGET (windows: under Wine); T=area/name for one
	$(if $(UNIT_WANTED),,$(error no unit test $(T)))
	$(if $(RUNNER_FOR),@build/wine.sh --init)
	@RUNNER='$(RUNNER_FOR)' build/run-tests.sh unit$(if $(filter windows,$(TARGET)),-wine)$(if $(SAN),-san) $(O)/tests $(UNIT_WANTED)

unit-san:
	@$(MAKE) --no-print-directory SAN=1 unit
sanitize: unit-san ## unit tests with ASan and UBSan

sim-bin: $(SIM) $(SIM_STORE) $(HOST_SIM)
# run_suite SCRIPT: the script of a suite; a suite without one gives no result, and test-all.sh says so
run_suite = @if [ -x $(1) ]; then $(1); else echo 'no $(1)'; exit 1; fi
sim: $(SIM) $(SIM_STORE) $(HOST_SIM) ## the real engine, store and host's set-up in simulated worlds; S=seconds
	$(call run_suite,tests/sim/run.sh)
mutant_env = OUT_DIR=$(O) CC_LINE='$(CC) -Itests -Itests/unit $(CPPFLAGS_OWN) $(DEPS_CPPFLAGS) $(CFLAGS_OWN)' \
    LINK_LINE='$(CC) $(CFLAGS_OWN) $(LDFLAGS_OWN)' SIM_OBJECTS='$(call obj,$(SIM_SRC))' LIBS_LINE='$(TEST_LIBS)'
mutants: $(SIM) ## deliberate mistakes in the engine, each of which the simulator must find within 60 s; M=name
	@$(mutant_env) tests/sim/mutants.sh $(M)
mutants-smoke: $(SIM) ## the same with the seeds that found them last
	@$(mutant_env) tests/sim/mutants.sh --smoke
integ: native ## agent, local control plane, real Docker Engine, aws
	$(call run_suite,tests/integ/run.sh)
module-test: all ## the cmdlets in a real PowerShell engine
	$(call run_suite,tests/psmodule/run.sh)
wine: module ## unit tests of the Windows build, then its programs, under Wine
	@$(MAKE) --no-print-directory TARGET=windows native unit test-bins
	@tests/psmodule/Shell/build.sh win-x64
	$(call run_suite,tests/wine/run.sh)
test-bins: $(SIM) $(SIM_STORE) $(BENCH_BIN) $(WINE_BIN)

# Fuzz targets: tests/fuzz/NAME.c, with NAME.dict and corpus/NAME/ beside it.
.PHONY: fuzz-bins fuzz-smoke
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(FUZZ_SRC))
$(FUZZ_BIN): $(O)/fuzz/%: $(O)/obj/tests/fuzz/%.o $(LOCAL_AR) $(API_AR) $(CORE_AR)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_OWN) -fsanitize=fuzzer -o $@ $< -Wl,--start-group $(LOCAL_AR) $(API_AR) $(CORE_AR) -Wl,--end-group $(LIBS)
-include $(patsubst %.o,%.d,$(call obj,$(FUZZ_SRC)))
fuzz-bins: $(FUZZ_BIN)
fuzz-smoke: ## each parser's fuzz target for some seconds, from its seeds
	@$(MAKE) --no-print-directory FUZZ=1 fuzz-bins
	@build/fuzz-smoke.sh $(patsubst tests/fuzz/%.c,%,$(FUZZ_SRC))

.PHONY: dll reproducible layers headers banned exports format format-fix check bench
layers: ## includes point down only
	@build/checks/layers.sh
headers: $(DEPS_READY) $(GEN)/version.h ## each header passes alone through the compiler
	@build/checks/headers.sh '$(CC) $(CPPFLAGS_OWN) $(DEPS_CPPFLAGS) -std=c17 $(WARN)' $(PLAT)
settings: ## live settings are read, those to come are not
	@build/checks/settings.sh
banned: ## calls, words and names that must not be in the tree
	@build/checks/banned.sh
exports: ## the artefacts export the listed functions and nothing else
	@$(MAKE) --no-print-directory native
	@$(MAKE) --no-print-directory TARGET=windows native
	@build/checks/exports.sh
dll: ## imports of the Windows files are explained, their flags set
	@$(MAKE) --no-print-directory TARGET=windows native
	@build/checks/dll.sh
reproducible: ## the same sources give the same Windows files in any folder
	@$(MAKE) --no-print-directory TARGET=windows native
	@build/checks/reproducible.sh windows
format: ## clang-format has nothing to change
	@build/checks/format.sh
format-fix: ## changes the files so
	@build/checks/format.sh --fix
check: ## all that CI asks; .ci/run calls it
	@SIM_SECONDS=30 CHECKS='layers headers banned settings format exports dll reproducible' build/test-all.sh unit unit-san fuzz-smoke sim mutants-smoke module-test integ wine
bench: native module sim-bin ## task start against the raw Docker API, endpoint against nginx, memory, Wine, sizes
	@$(MAKE) --no-print-directory TARGET=windows native test-bins
	$(call run_suite,tests/bench/run.sh)
