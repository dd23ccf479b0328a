#!/bin/bash
# fuzz-smoke.sh NAME...: runs each fuzz target from its seeds for FUZZ_S seconds (default 5), as many at a time as
# there are processors.
# New inputs go to build/out, never into the committed corpus. A crash leaves its input there and is shown.
set -uo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_S:-5}
out=${ECSTOOLS_OUT:-build/out}/linux-fuzz
passed=0 failed=0

fuzz()
{
    local work=$out/corpus/$1 seeds=tests/fuzz/corpus/$1 args
    mkdir -p "$work"
    args=(-max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -artifact_prefix="$out/crash-$1-" "$work")
    [ ! -d "$seeds" ] || args+=("$seeds")
    [ ! -f "tests/fuzz/$1.dict" ] || args=(-dict="tests/fuzz/$1.dict" "${args[@]}")
    rm -f "$out/$1.good"
    if "$out/fuzz/$1" "${args[@]}" >"$out/$1.log" 2>&1 </dev/null; then
        touch "$out/$1.good"
        echo "fuzz: $1: $(sed -n 's/^Done \([0-9]*\) runs.*/\1 runs/p' "$out/$1.log")"
    else
        echo "--- fuzz: $1 failed:"
        tail -n 60 "$out/$1.log"
    fi
}

for name in "$@"; do
    [ "$(jobs -rp | wc -l)" -lt "$(nproc)" ] || wait -n
    fuzz "$name" &
done
wait
for name in "$@"; do
    if [ -f "$out/$name.good" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
done
echo "fuzz-smoke: $passed passed, $failed failed"
if [ -n "${RESULT:-}" ]; then
    echo "$passed $failed" >>"$RESULT"
fi
[ "$failed" = 0 ] && [ "$passed" != 0 ]
