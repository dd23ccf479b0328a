# The C side: objects, one archive of everything, and the three artefacts linked from it.
# A part whose sources are not there is left out; checks/exports.sh is strict about what must exist.
CORE_AR := $(O)/libea.a
API_AR := $(O)/libea-api.a
LOCAL_AR := $(O)/libea-local.a

HAVE_LIB := $(and $(API_SRC),$(SYM))
ifeq ($(TARGET),windows)
  LIB := $(if $(HAVE_LIB),$(O)/ecsagent.dll)
  LINK_LIB := $(O)/libecsagent.dll.a
else
  LIB := $(if $(HAVE_LIB),$(O)/libecsagent.so)
  LINK_LIB := $(O)/libecsagent.so
endif
HOST := $(if $(and $(HAVE_LIB),$(HOST_SRC)),$(O)/ecsagent$(EXE))
LOCAL := $(if $(LOCAL_MAIN),$(O)/ecslocal$(EXE))

.PHONY: native archive FORCE
native: archive $(LIB) $(HOST) $(LOCAL) ## the C library and programs for TARGET
archive: $(CORE_AR) $(API_AR) $(LOCAL_AR)
FORCE:

# Everything that changes the bytes of an object is in this file, so a change of it rebuilds them.
$(O)/flags: FORCE
	@printf '%s\n' '$(CC) $(CPPFLAGS_OWN) $(CFLAGS_OWN) $(DEPS_CPPFLAGS)' | build/if-changed.sh $@

$(GEN)/version.h: FORCE
	@build/version.sh | build/if-changed.sh $@

$(O)/obj/%.o: %.c $(O)/flags | $(DEPS_READY) $(GEN)/version.h $(GEN_HEADERS)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC   $< [$(VARIANT)]")
	$(Q)$(CC) $(CPPFLAGS_OWN) $(CPPFLAGS_TEST) $(DEPS_CPPFLAGS) $(CFLAGS_OWN) -MMD -MP -c $< -o $@

$(O)/obj/tests/%.o: CPPFLAGS_TEST := -Itests -Itests/unit

# An archive is made anew each time: a member whose source is gone must not live on in it.
define make_archive
@mkdir -p $(@D); rm -f $@
$(Q)$(AR) rcsD $@ $(filter %.o,$^)
endef
# The list of members counts too, not only their age.
$(O)/%.list: FORCE
	@printf '%s\n' $(MEMBERS) | build/if-changed.sh $@
$(O)/core.list: MEMBERS := $(CORE_SRC)
$(O)/api.list: MEMBERS := $(API_SRC)
$(O)/local.list: MEMBERS := $(LOCAL_SRC)
$(O)/fakes.list: MEMBERS := $(FAKES_SRC)

$(CORE_AR): $(call obj,$(CORE_SRC)) $(O)/core.list
	$(make_archive)
$(API_AR): $(call obj,$(API_SRC)) $(O)/api.list
	$(make_archive)
$(LOCAL_AR): $(call obj,$(filter-out $(LOCAL_MAIN),$(LOCAL_SRC))) $(O)/local.list
	$(make_archive)

# The export list is one name a line; both linkers get theirs from it.
$(GEN)/ecsagent.map: $(SYM)
	@mkdir -p $(@D); { echo '{ global:'; sed -n 's/^\(ecsagent_[a-z0-9_]*\).*/    \1;/p' $<; \
	    echo 'local: *; };'; } >$@
$(GEN)/ecsagent.def: $(SYM)
	@mkdir -p $(@D); { echo 'LIBRARY ecsagent.dll'; echo 'EXPORTS'; \
	    sed -n 's/^\(ecsagent_[a-z0-9_]*\).*/    \1/p' $<; } >$@

# A finished artefact takes the old one's place at once: a program that runs keeps its own copy.
# Sanitizer and coverage builds keep their symbols where they are.
ifneq ($(SAN)$(COV)$(FUZZ),)
define finish
$(Q)mv -f $(O)/full/$(@F) $@
endef
else
define finish
$(Q)$(OBJCOPY) --only-keep-debug $(O)/full/$(@F) $@.debug
$(Q)chmod -x $@.debug
$(Q)$(STRIP) $(if $(filter %.so,$@),--strip-unneeded,--strip-all) -o $@.new $(O)/full/$(@F)
$(Q)cd $(O) && $(OBJCOPY) --add-gnu-debuglink=$(@F).debug $(@F).new
$(Q)mv -f $@.new $@
endef
endif
define start_link
@mkdir -p $(O)/full
$(if $(V),,@echo "  LINK $@")
endef

LIBS = $(DEPS_LIBS) $(SYSLIBS)

$(O)/libecsagent.so: $(API_AR) $(CORE_AR) $(GEN)/ecsagent.map
	$(start_link)
	$(Q)$(CC) $(CFLAGS_OWN) $(LDFLAGS_OWN) -shared -o $(O)/full/$(@F) -Wl,-soname,$(@F) $(if $(SAN)$(COV),,-Wl$(comma)-z$(comma)defs) \
	    -Wl,--version-script=$(GEN)/ecsagent.map -Wl,--whole-archive $(API_AR) -Wl,--no-whole-archive $(CORE_AR) $(LIBS)
	$(finish)

$(O)/ecsagent.dll: $(API_AR) $(CORE_AR) $(GEN)/ecsagent.def $(DLL_RES)
	$(start_link)
	$(Q)$(CC) $(CFLAGS_OWN) $(LDFLAGS_OWN) -shared -o $(O)/full/$(@F) $(GEN)/ecsagent.def \
	    -Wl,--out-implib,$(O)/libecsagent.dll.a $(DLL_RES) \
	    -Wl,--whole-archive $(API_AR) -Wl,--no-whole-archive $(CORE_AR) $(LIBS)
	$(finish)
$(O)/libecsagent.dll.a: $(O)/ecsagent.dll

comma := ,
# The host knows the exported functions alone; it finds the library in its own folder.
$(O)/ecsagent$(EXE): $(call obj,$(HOST_SRC)) $(LIB) $(LINK_LIB) $(HOST_RES)
	$(start_link)
	$(Q)$(CC) $(CFLAGS_OWN) $(LDFLAGS_OWN) -o $(O)/full/$(@F) $(filter %.o,$^) -L$(O) \
	    $(if $(filter windows,$(TARGET)),$(LINK_LIB),-lecsagent -Wl$(comma)-rpath$(comma)'$$ORIGIN')
	$(finish)

$(O)/ecslocal$(EXE): $(call obj,$(LOCAL_MAIN)) $(LOCAL_AR) $(CORE_AR) $(LOCAL_RES)
	$(start_link)
	$(Q)$(CC) $(CFLAGS_OWN) $(LDFLAGS_OWN) -o $(O)/full/$(@F) $(filter %.o,$^) -Wl,--start-group $(LOCAL_AR) \
	    $(CORE_AR) -Wl,--end-group $(LIBS)
	$(finish)

-include $(patsubst %.o,%.d,$(call obj,$(CORE_SRC) $(API_SRC) $(HOST_SRC) $(LOCAL_SRC) $(FAKES_SRC)))
