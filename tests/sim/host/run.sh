#!/bin/bash
# Simulated hosts for the set-up loop: those of seeds.txt, then W fresh ones (default 20000, about 2 s).
# Appends "passed failed" to the file named in RESULT, if that is set.
set -uo pipefail
cd "$(dirname "$0")/../../.."
sim=${HOST_SIM:-build/out/linux/tests/sim/host_sim}
[ -x "$sim" ] || { echo "host_sim: $sim is missing: run make sim-bin" >&2; exit 1; }
out=$("$sim" --seeds tests/sim/host/seeds.txt --worlds "${W:-20000}")
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
