# Compilers and flags of one build variant; its outputs are in $(O).
ifeq ($(TARGET),linux)
  CROSS :=
  EXE :=
  PLAT := unix
  DEPS_TARGET := linux
else ifeq ($(TARGET),windows)
  CROSS := x86_64-w64-mingw32-
  EXE := .exe
  PLAT := win
  DEPS_TARGET := windows
else
  $(error TARGET is linux or windows, not '$(TARGET)')
endif
ifneq ($(SAN)$(COV)$(FUZZ),)
  ifneq ($(TARGET),linux)
    $(error SAN, COV and FUZZ are for TARGET=linux)
  endif
endif
VARIANT := $(TARGET)$(if $(SAN),-san)$(if $(COV),-cov)$(if $(FUZZ),-fuzz)
# ECSTOOLS_OUT moves all outputs, so that two makes at a time do not share them.
OUT := $(or $(ECSTOOLS_OUT),build/out)
O := $(OUT)/$(VARIANT)
GEN := $(O)/gen

# strip and objcopy write the time of day into PE headers, unless this is set.
export SOURCE_DATE_EPOCH ?= 1

CC := $(CROSS)gcc
AR := $(CROSS)ar
NM := $(CROSS)nm
STRIP := $(CROSS)strip
OBJCOPY := $(CROSS)objcopy
WINDRES := $(CROSS)windres
WINDMC := $(CROSS)windmc

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
        -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wcast-qual -Wpointer-arith -Wnull-dereference \
        -Wdouble-promotion -Wimplicit-fallthrough -Werror

# Paths of the checkout never get into an artefact: the same sources give the same bytes anywhere.
BASE_CFLAGS := -std=c17 -g -fvisibility=hidden -ffunction-sections -fdata-sections -fno-common \
               -ffile-prefix-map=$(CURDIR)=.
CPPFLAGS_OWN := -Inative -I$(GEN)
ifeq ($(TARGET),linux)
  BASE_CFLAGS += -fPIC
  CPPFLAGS_OWN += -D_GNU_SOURCE
  OPT := -Os -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
  LDFLAGS_OWN := -Wl,--gc-sections -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed -Wl,--build-id=sha1
  SYSLIBS := -lpthread -ldl -lm
else
  CPPFLAGS_OWN += -D_WIN32_WINNT=0x0A00 -D__USE_MINGW_ANSI_STDIO=1
  OPT := -Os -fstack-protector-strong
  # -static: the compiler's own libraries (libgcc, libssp) go into the file; Windows' are imported all the same.
  LDFLAGS_OWN := -Wl,--gc-sections -static -Wl,--no-insert-timestamp -Wl,--dynamicbase -Wl,--nxcompat \
                 -Wl,--high-entropy-va
  SYSLIBS := -lpsapi -luser32 -ladvapi32 -liphlpapi -luserenv -lws2_32 -ldbghelp -lole32 -lshell32 -lcrypt32 \
             -lbcrypt -lsecur32
endif
ifneq ($(SAN),)
  OPT := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
  LDFLAGS_OWN += -fsanitize=address,undefined
endif
ifneq ($(COV),)
  OPT := -O0 --coverage
  LDFLAGS_OWN += --coverage
endif
ifneq ($(FUZZ),)
  # clang's own warnings are not the project's; gcc has judged these files already.
  CC := clang
  WARN := -w
  OPT := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
  LDFLAGS_OWN += -fsanitize=address,undefined
endif
CFLAGS_OWN = $(BASE_CFLAGS) -ffile-prefix-map=$(DEPS)=deps $(OPT) $(WARN)
