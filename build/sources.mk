# What is built from what: by wildcard, so a new file needs no line here.
AREAS := base model engine plat plat/$(PLAT) net aws docker store acs report serve manage agent
API_SRC := $(wildcard native/agent/api.c)
CORE_SRC := $(filter-out $(API_SRC),$(foreach a,$(AREAS),$(sort $(wildcard native/$(a)/*.c))))
HOST_SRC := $(sort $(wildcard native/host/*.c))
LOCAL_SRC := $(sort $(wildcard native/local/*.c))
LOCAL_MAIN := $(filter %/main.c,$(LOCAL_SRC))
FAKES_SRC := $(sort $(wildcard tests/unit/fakes/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/*/*_test.c) $(wildcard tests/unit/*/*/*_test.c))
SIM_SRC := $(sort $(wildcard tests/sim/*.c))
BENCH_SRC := $(sort $(wildcard tests/bench/*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/*.c))
SYM := $(wildcard native/ecsagent.sym)

obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
