#!/bin/bash
# run.sh [world] [store] [host]: simulated worlds, the real store on a failing disk, simulated hosts; without a word
# all three. Each takes those of its seeds.txt, then fresh ones: worlds for S seconds (default 10; SIM_SECONDS in
# checks) on every processor, the store for S (default 5), W hosts (default 20000, about 2 s). The fresh ones of the
# first two follow from the commit, so that a red run of it can be run again.
# Appends "passed failed" of each to the file named in RESULT, if that is set.
set -uo pipefail
cd "$(dirname "$0")/../.."
from=$((0x$(git rev-parse --short=12 HEAD 2>/dev/null || echo 1)))
code=0

# simulate BINARY ARGUMENT...: its last line ends in "; N passed, N failed"
simulate() {
    local sim=build/out/linux/tests/sim/$1 out rc=0 passed failed
    shift
    [ -x "$sim" ] || { echo "sim: $sim is missing: run make sim-bin" >&2; exit 1; }
    # What a shell starts in the background ignores the interrupt.
    out=$(env --default-signal=INT,QUIT "$sim" "$@") || rc=1
    printf '%s\n' "$out"
    read -r passed failed < <(printf '%s\n' "$out" | sed -n '$s/.*; \([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p')
    if [ -z "${failed:-}" ]; then # it ended before its count: that is a failed world
        passed=0 failed=1 rc=1
    fi
    [ -z "${RESULT:-}" ] || echo "$passed $failed" >>"$RESULT"
    exit "$rc"
}

for what in ${*:-world store host}; do
    case $what in
    world)
        seeds=(--seeds tests/sim/seeds.txt)
        for ((n = 0; n < $(nproc); n++)); do
            simulate sim "${seeds[@]}" --seconds "${S:-${SIM_SECONDS:-10}}" --from $((from + (n << 48))) &
            seeds=()
        done
        ;;
    store) simulate sim-store --seeds tests/sim/store/seeds.txt --seconds "${S:-5}" --from "$from" & ;;
    host) simulate host_sim --seeds tests/sim/host/seeds.txt --worlds "${W:-20000}" & ;;
    *) echo "run.sh: no worlds of the name $what" >&2; exit 1 ;;
    esac
    for pid in $(jobs -p); do
        wait "$pid" || code=1
    done
done
exit "$code"
