#!/bin/bash
# The Windows files as a loader sees them: every import is explained in imports.txt and every explanation is needed,
# what is loaded at run time is listed too and comes from System32 alone, hardening flags are set, nothing is both
# writable and executable, the version resource is there. Prints the flags that this toolchain has no switch for.
set -uo pipefail
cd "$(dirname "$0")/../.."
out=${ECSTOOLS_OUT:-build/out}/windows
table=build/checks/imports.txt
files='ecsagent.dll ecsagent.exe ecslocal.exe'
bad=0
say() { echo "dll: $*"; bad=1; }
dump() { x86_64-w64-mingw32-objdump "$@"; }
for f in $files; do
    [ -f "$out/$f" ] || { echo "dll: no $out/$f: run make TARGET=windows native" >&2; exit 1; }
done

explained=$(sed -n 's/^\([a-z][a-z0-9_]*\.dll\) .*/\1/p' "$table" | sort)
imported=$(for f in $files; do dump -p "$out/$f" | sed -n 's/.*DLL Name: //p'; done | tr '[:upper:]' '[:lower:]' |
    grep -vx ecsagent.dll | sort -u)
while read -r mark name; do
    [ "$mark" != '<' ] || say "$name is explained in $table and imported by nothing"
    [ "$mark" != '>' ] || say "$name is imported and not explained in $table"
done < <(diff <(echo "$explained") <(echo "$imported") | grep '^[<>]')

listed=$(sed -n 's/^+\([a-z][a-z0-9_]*\.dll\) .*/\1/p' "$table" | sort)
loaded=$(grep -rhoE 'LoadLibrary[A-Za-z]*\(L?"[^"]+"' native | sed 's/.*"\(.*\)"/\1/' | sort -u)
[ "$listed" = "$loaded" ] || say "loaded at run time: $(echo $loaded); listed with +: $(echo $listed)"
if grep -rnE 'LoadLibrary(A|W|Ex[AW])?\(' native | grep -v 'LoadLibraryExW('; then
    say 'a library is loaded by a call that searches other folders than System32'
fi
perl -0777 -ne 'while (/LoadLibraryExW\(([^;]*);/g) { print "$ARGV: $1\n" unless $1 =~ /LOAD_LIBRARY_SEARCH_SYSTEM32/ }' \
    $(grep -rl LoadLibraryExW native) | grep . && say 'a library is not looked for in System32 alone'

for f in $files; do
    traits=$(dump -p "$out/$f")
    for flag in HIGH_ENTROPY_VA DYNAMIC_BASE NX_COMPAT; do
        grep -q "$flag" <<<"$traits" || say "$f lacks $flag"
    done
    grep -q 'relocations stripped' <<<"$traits" && say "$f cannot be moved: its relocations are stripped"
    grep -q '^The Base Relocations' <<<"$traits" || dump -h "$out/$f" | grep -q '\.reloc' || say "$f has no relocations"
    dump -h "$out/$f" | awk 'prev { if (/CODE/ && !/READONLY/) print name } { prev = ($1 ~ /^[0-9]+$/); if (prev) name = $2 }' |
        grep . && say "$f has a section that is writable and executable"
    grep -qaP 'P\0r\0o\0d\0u\0c\0t\0V\0e\0r\0s\0i\0o\0n\0' "$out/$f" || say "$f has no version resource"
    stamp=$(sed -n 's/^Time\/Date[[:space:]]*//p' <<<"$traits")
    case $stamp in
    *1970*) ;;
    *) say "$f carries the time of its build: $stamp" ;;
    esac
done
# Control flow guard, CET and /guard:ehcont are of other linkers: GUARD_CF would be a promise that the code does not keep.
echo "dll: $(echo "$imported" | wc -l) libraries imported, $(echo "$loaded" | wc -l) loaded at run time; HIGH_ENTROPY_VA DYNAMIC_BASE NX_COMPAT, stack protector; no GUARD_CF (mingw-w64 makes none)"
exit "$bad"
