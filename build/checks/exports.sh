#!/bin/bash
# The built libraries export the functions of native/ecsagent.sym and nothing else; the header declares just
# these; the programs need the library (host) or nothing of ours, and no library that is not the system's.
set -uo pipefail
cd "$(dirname "$0")/../.."
linux=build/out/linux
windows=build/out/windows
bad=0
say() { echo "exports: $*"; bad=1; }

want=$(sed -n 's/^\(ecsagent_[a-z0-9_]*\).*/\1/p' native/ecsagent.sym | sort -u)
[ -n "$want" ] || say 'native/ecsagent.sym lists nothing'
for f in "$linux"/{ecsagent,libecsagent.so,ecslocal} "$windows"/{ecsagent.exe,ecsagent.dll,ecslocal.exe}; do
    [ -f "$f" ] || say "$f was not built"
done
[ "$bad" = 0 ] || exit 1

# compare WHAT GOT: differences to the list, one a line
compare()
{
    local d
    d=$(diff <(echo "$want") <(echo "$2") | grep '^[<>]' | sed 's/^</missing:/; s/^>/too many:/')
    [ -z "$d" ] || say "$1: $d"
}
compare libecsagent.so "$(nm -D --defined-only "$linux/libecsagent.so" | awk '{ print $3 }' | sed 's/@.*//' | sort -u)"
compare ecsagent.dll "$(x86_64-w64-mingw32-objdump -p "$windows/ecsagent.dll" |
    sed -n '/^\[Ordinal\/Name Pointer\] Table/,/^$/s/^[[:space:]]*\[.*\][[:space:]]*\(.* \)\{0,1\}\([^ ]*\)$/\2/p' |
    grep -vx Table | sort -u)"
compare ecsagent.h "$(perl -0777 -pe 's{/\*.*?\*/}{}gs' native/ecsagent.h | grep -oE '\becsagent_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u)"

# needs FILE ALLOWED-REGEX DEPENDENCIES
needs()
{
    local n
    for n in $3; do
        grep -qiE "^($2)\$" <<<"$n" || say "$1 needs $n"
    done
}
system='lib(c|m|dl|pthread|gcc_s)\.so\.[0-9]+|ld-linux-x86-64\.so\.2'
elf() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
needs libecsagent.so "$system" "$(elf "$linux/libecsagent.so")"
needs ecslocal "$system" "$(elf "$linux/ecslocal")"
needs ecsagent "$system|libecsagent\.so" "$(elf "$linux/ecsagent")"
dlls='(kernel32|msvcrt|advapi32|user32|psapi|iphlpapi|userenv|ws2_32|dbghelp|ole32|shell32|crypt32|bcrypt|secur32|wevtapi|fwpuclnt|ncrypt|netapi32)\.dll'
pe() { x86_64-w64-mingw32-objdump -p "$1" | sed -n 's/.*DLL Name: //p'; }
needs ecsagent.dll "$dlls" "$(pe "$windows/ecsagent.dll")"
needs ecslocal.exe "$dlls" "$(pe "$windows/ecslocal.exe")"
needs ecsagent.exe "$dlls|ecsagent\.dll" "$(pe "$windows/ecsagent.exe")"
for f in ecsagent.exe ecsagent.dll ecslocal.exe; do
    traits=$(x86_64-w64-mingw32-objdump -p "$windows/$f")
    for flag in HIGH_ENTROPY_VA DYNAMIC_BASE NX_COMPAT; do
        grep -q "$flag" <<<"$traits" || say "$f lacks $flag"
    done
done
[ -n "$(readelf -d "$linux/ecsagent" | sed -n '/RUNPATH.*\[$ORIGIN\]/p')" ] || say 'ecsagent does not look in its own folder'
exit "$bad"
