# What is built from what: by wildcard, so a new file needs no line here.
AREAS := base model engine plat plat/$(PLAT) net aws docker store acs report serve manage agent local
# AREAS="base net" on the command line builds and tests these folders alone.
only = $(if $(filter command,$(word 1,$(origin AREAS))),$(AREAS))
CORE_AREAS := $(filter-out local,$(AREAS))
API_SRC := $(if $(filter agent,$(AREAS)),$(wildcard native/agent/api.c))
CORE_SRC := $(filter-out $(API_SRC),$(foreach a,$(CORE_AREAS),$(sort $(wildcard native/$(a)/*.c))))
HOST_SRC := $(sort $(wildcard native/host/*.c))
LOCAL_SRC := $(if $(filter local,$(AREAS)),$(sort $(wildcard native/local/*.c)))
LOCAL_MAIN := $(filter %/main.c,$(LOCAL_SRC))
FAKES_SRC := $(sort $(wildcard tests/unit/fakes/*.c))
UNIT_SRC := $(sort $(foreach a,$(or $(only),*),$(wildcard tests/unit/$(a)/*_test.c tests/unit/$(a)/*/*_test.c)))
SIM_SRC := $(sort $(wildcard tests/sim/*.c))
SIM_STORE_SRC := $(sort $(wildcard tests/sim/store/*.c))
BENCH_SRC := $(sort $(wildcard tests/bench/*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/*.c))
SYM := $(wildcard native/ecsagent.sym)

obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
