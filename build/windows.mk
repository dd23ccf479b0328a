# What only Windows artefacts have: a version resource and the event log's message table.
ifeq ($(TARGET),windows)
MC := $(wildcard native/plat/win/messages.mc)
MC_OBJ := $(if $(MC),$(O)/res/messages.o)
GEN_HEADERS := $(if $(MC),$(GEN)/messages.h)
DLL_RES := $(O)/res/ecsagent.dll.o $(MC_OBJ)
HOST_RES := $(O)/res/ecsagent.exe.o
LOCAL_RES := $(O)/res/ecslocal.exe.o

$(O)/res/ecsagent.dll.o: WHAT := Amazon ECS agent, library
$(O)/res/ecsagent.exe.o: WHAT := Amazon ECS agent, service and console
$(O)/res/ecslocal.exe.o: WHAT := Local control plane for the Amazon ECS agent

$(O)/res/%.o: build/version.rc.in ECSTools.psd1 build/version.sh
	@mkdir -p $(@D)
	$(Q)v=$$(build/version.sh --product); sed -e "s/@VERSION@/$$v/; s/@NUMBERS@/$${v//./,},0/" -e 's/@WHAT@/$(WHAT)/; s/@FILE@/$*/' \
	    $< >$(O)/res/$*.rc
	$(Q)$(WINDRES) $(O)/res/$*.rc $@

$(GEN)/messages.h: $(MC)
	@mkdir -p $(@D)
	$(Q)$(WINDMC) -h $(GEN) -r $(GEN) $<
$(O)/res/messages.o: $(GEN)/messages.h
	@mkdir -p $(@D)
	$(Q)$(WINDRES) -I$(GEN) $(GEN)/messages.rc $@
endif
