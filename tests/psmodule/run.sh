#!/bin/bash
# Tests of the module in a real PowerShell engine: over a fake library, then over the real one. Needs
# `make module`. Appends "passed failed" to the file named in RESULT. An argument chooses tests of the
# first kind (a filter of dotnet test) and leaves the second out.
set -uo pipefail
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 # no build server stays behind
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/build/out/psmodule-tests
mkdir -p "$out"

if [ ! -f "$root/psmodule/bin/ECSTools.dll" ]; then
    echo "module-test: no psmodule/bin/ECSTools.dll: run make module" >&2
    exit 1
fi
"$here/Shell/build.sh" || exit 1

# The module over the real library and agent, in worlds of their own, beside the other tests.
worlds=$out/worlds.result
worlds_log=$out/worlds.log
worlds_pid=
rm -f "$worlds"
if [ -z "${1:-}" ]; then
    (cd "$here/e2e" && PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH PYTHONDONTWRITEBYTECODE=1 RESULT=$worlds \
        exec env --default-signal=INT,QUIT /usr/bin/python3 -m pytest -p no:cacheprovider -q --tb=short) </dev/null >"$worlds_log" 2>&1 &
    worlds_pid=$!
    trap 'kill "$worlds_pid" 2>/dev/null; wait "$worlds_pid" 2>/dev/null' EXIT
fi

log=$out/test.log
trx=$out/test.trx
rm -f "$trx"
# What a shell starts in the background ignores the interrupt, and so would what is tested here.
env --default-signal=INT,QUIT dotnet test "$here/PsModuleTests.csproj" -c Release --nologo -v quiet \
    --logger "trx;LogFileName=$trx" --logger 'console;verbosity=minimal' ${1:+--filter "$1"} \
    </dev/null >"$log" 2>&1
rc=$?
if [ $rc != 0 ] || [ ! -s "$trx" ]; then
    cat "$log"
fi

counters=$(grep -o '<Counters [^>]*>' "$trx" 2>/dev/null)
count() { sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<<" $counters"; }
total=$(count total)
passed=$(count passed)
if [ -z "$total" ] || [ "$total" = 0 ]; then
    echo "module-test: no test ran" >&2
    exit 1
fi
failed=$((total - passed)) # what neither passed nor failed did not run, and that is a failure too

if [ -n "$worlds_pid" ]; then
    if ! wait "$worlds_pid"; then
        rc=1
        cat "$worlds_log"
    fi
    trap - EXIT
    more=0 less=1 # no result is a failure
    if [ -s "$worlds" ]; then
        read -r more less < <(awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }' "$worlds")
    fi
    passed=$((passed + more)) failed=$((failed + less))
fi

[ -z "${RESULT:-}" ] || echo "$passed $failed" >>"$RESULT"
echo "module-test: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ $rc = 0 ]
