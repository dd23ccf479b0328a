#!/bin/bash
# Tests of the module in a real PowerShell engine. Needs `make module`. Appends "passed failed" to the
# file named in RESULT.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/build/out/psmodule-tests
mkdir -p "$out"

if [ ! -f "$root/psmodule/bin/ECSTools.dll" ]; then
    echo "module-test: no psmodule/bin/ECSTools.dll: run make module" >&2
    exit 1
fi
"$here/Shell/build.sh" || exit 1

log=$out/test.log
trx=$out/test.trx
rm -f "$trx"
dotnet test "$here/PsModuleTests.csproj" -c Release --nologo -v quiet \
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
[ -z "${RESULT:-}" ] || echo "$passed $failed" >>"$RESULT"
echo "module-test: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ $rc = 0 ]
