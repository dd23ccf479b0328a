#!/bin/bash
# fuzz-smoke.sh NAME...: runs each fuzz target from its seeds for FUZZ_S seconds (default 5).
# New inputs go to build/out, never into the committed corpus. A crash leaves its input there and is shown.
set -uo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_S:-5}
out=${ECSTOOLS_OUT:-build/out}/linux-fuzz
passed=0 failed=0
for name in "$@"; do
    work=$out/corpus/$name
    seeds=tests/fuzz/corpus/$name
    log=$out/$name.log
    mkdir -p "$work"
    args=(-max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -artifact_prefix="$out/crash-$name-" "$work")
    [ ! -d "$seeds" ] || args+=("$seeds")
    [ ! -f "tests/fuzz/$name.dict" ] || args=(-dict="tests/fuzz/$name.dict" "${args[@]}")
    if "$out/fuzz/$name" "${args[@]}" >"$log" 2>&1 </dev/null; then
        passed=$((passed + 1))
        echo "fuzz: $name: $(sed -n 's/^Done \([0-9]*\) runs.*/\1 runs/p' "$log")"
    else
        failed=$((failed + 1))
        echo "--- fuzz: $name failed:"
        tail -n 60 "$log"
    fi
done
echo "fuzz-smoke: $passed passed, $failed failed"
if [ -n "${RESULT:-}" ]; then
    echo "$passed $failed" >>"$RESULT"
fi
[ "$failed" = 0 ] && [ "$passed" != 0 ]
