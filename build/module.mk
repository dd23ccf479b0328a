# The PowerShell module: psmodule/bin holds the cmdlets and, beside them, the native files of this OS.
MODULE_DLL := build/out/module/ECSTools.dll
MODULE_SRC := $(shell find psmodule -name '*.cs' -not -path '*/obj/*' -not -path '*/bin/*' 2>/dev/null | sort)
MODULE_PROJ := $(wildcard psmodule/ECSTools.csproj)
MODULE_DATA := $(wildcard psmodule/*.props psmodule/help/*.md)
# install FILES: by write and rename, so that a process that has the old file open keeps it
install_files = @mkdir -p psmodule/bin; for f in $(1); do cp -p $$f psmodule/bin/.new; mv -f psmodule/bin/.new psmodule/bin/$$(basename $$f); done

.PHONY: module psh
module: native $(if $(MODULE_PROJ),$(MODULE_DLL)) ## psmodule/bin: cmdlets and native files
	$(call install_files,$(wildcard $(if $(MODULE_PROJ),$(MODULE_DLL))) $(LIB) $(HOST) $(LOCAL))
	@psmodule/help/build.sh

$(MODULE_DLL): $(MODULE_PROJ) $(MODULE_SRC) $(MODULE_DATA) ECSTools.psd1
	@command -v dotnet >/dev/null || { echo 'module: no dotnet: install the .NET SDK 10 (build/setup.sh tells how)' >&2; exit 1; }
	$(Q)dotnet build $(MODULE_PROJ) -nodeReuse:false -c Release -o build/out/module --nologo -v quiet -clp:NoSummary </dev/null
	@touch $@

psh: ## build/out/psh: a console host over the PowerShell engine
	$(Q)tests/psmodule/Shell/build.sh
