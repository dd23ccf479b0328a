# Third-party libraries: built once into the user's cache, see build-deps.sh and deps.lock.
DEPS := $(shell build/build-deps.sh --print $(DEPS_TARGET))
ifeq ($(DEPS),)
  $(error no prefix for third-party libraries)
endif
DEPS_READY := $(DEPS)/VERSIONS
DEPS_CPPFLAGS := -isystem $(DEPS)/include -DCURL_STATICLIB
DEPS_LIBS := -L$(DEPS)/lib -lcurl -lmbedtls -lmbedx509 -lmbedcrypto -lcjson -lllhttp -lsqlite3 -lwslay -luv

$(DEPS_READY):
	$(Q)build/build-deps.sh $(DEPS_TARGET) >&2

.PHONY: deps print-deps
deps: $(DEPS_READY) ## third-party libraries for TARGET
print-deps: $(DEPS_READY) ## their prefix
	@echo $(DEPS)
