#!/bin/bash
# test-all.sh SUITE...: runs the suites (make targets of the same name), goes on after a red one, and ends
# with the one line "N passed, N failed". A suite reports by appending "passed failed" lines to the file
# named in RESULT. One that reports nothing, exits non-zero with no failed test, or has fewer tests than its
# floor in floors.txt counts as one more failure. CHECKS (make targets) are run first: each counts as one test.
set -uo pipefail
cd "$(dirname "$0")/.."
results=build/out/results
# Each stage is a make of its own with its own jobs, however this one was started.
unset MAKEFLAGS MFLAGS
run() { make --no-print-directory -j"$(nproc)" "$1" </dev/null; }
rm -rf "$results"
mkdir -p "$results"
passed=0 failed=0
table=''

floor_of() { sed -n "s/^$1[[:space:]]\{1,\}\([0-9]\{1,\}\).*/\1/p" build/floors.txt; }
stage() { printf '\n== %s\n' "$1"; }

for check in ${CHECKS:-}; do
    begun=$SECONDS
    stage "$check"
    if run "$check"; then
        passed=$((passed + 1)) word=ok
    else
        failed=$((failed + 1)) word=FAILED
    fi
    echo "== $check: $word ($((SECONDS - begun)) s)"
    table+=$(printf '%-14s %-18s %5d s' "$check" "$word" $((SECONDS - begun)))$'\n'
done

for suite in "$@"; do
    begun=$SECONDS
    stage "$suite"
    rc=0
    RESULT=$PWD/$results/$suite run "$suite" || rc=$?
    p=0 f=0 note=''
    if [ -s "$results/$suite" ]; then
        read -r p f < <(awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }' "$results/$suite")
    fi
    floor=$(floor_of "$suite")
    if [ $((p + f)) = 0 ]; then
        note='no result'
    elif [ "$rc" != 0 ] && [ "$f" = 0 ]; then
        note="ended with $rc"
    elif [ -z "$floor" ]; then
        note='no floor in build/floors.txt'
    elif [ "$p" -lt "$floor" ]; then
        note="fewer than its floor of $floor passed"
    fi
    [ -z "$note" ] || f=$((f + 1))
    passed=$((passed + p)) failed=$((failed + f))
    echo "== $suite: $p passed, $f failed${note:+ ($note)} ($((SECONDS - begun)) s)"
    table+=$(printf '%-14s %5d / %-10d %5d s %s' "$suite" "$p" "$f" $((SECONDS - begun)) "$note")$'\n'
done

printf '\nstage          passed / failed     time\n%s\n' "$table"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
