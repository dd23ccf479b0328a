#!/bin/bash
# The real store on a failing disk: the worlds of seeds.txt, then fresh ones for S seconds (default 5).
# Appends "passed failed" to the file named in RESULT, if that is set.
set -uo pipefail
cd "$(dirname "$0")/../../.."
sim=build/out/linux/tests/sim/sim-store
[ -x "$sim" ] || { echo "sim: $sim is missing: run make sim-bin" >&2; exit 1; }
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo 1)
out=$("$sim" --seeds tests/sim/store/seeds.txt --seconds "${S:-5}" --from $((0x$commit)))
code=$?
printf '%s\n' "$out"
last=$(printf '%s\n' "$out" | tail -n 1)
passed=$(printf '%s' "$last" | sed -n 's/.*; \([0-9]*\) passed, .*/\1/p')
failed=$(printf '%s' "$last" | sed -n 's/.*, \([0-9]*\) failed.*/\1/p')
if [ -z "$passed" ] || [ -z "$failed" ]; then # it ended before its count: that is a failed world
    passed=${passed:-0}
    failed=1
    code=1
fi
[ -z "${RESULT:-}" ] || echo "$passed $failed" >>"$RESULT"
exit "$code"
