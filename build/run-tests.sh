#!/bin/bash
# run-tests.sh SUITE OUT BINARY...: runs cmocka executables, some at a time, and counts their TAP lines.
# RUNNER (a command) is put in front of each; TEST_TIMEOUT_S (default 120) ends one that hangs; JOBS sets
# how many run at once. A binary that dies, hangs, or tells fewer results than it planned counts as failed.
# With RESULT set, "passed failed" is appended to that file. Fails when a test failed or none ran.
set -uo pipefail
suite=$1 out=$2
shift 2
logs=$out/logs
limit=${TEST_TIMEOUT_S:-120}
started=$SECONDS
export CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0:exitcode=99}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}

rm -rf "$logs"
mkdir -p "$logs"

name_of() { local n=${1#*/tests/}; n=${n%.exe}; echo "${n//\//.}"; }
run_one()
{
    local log
    log=$logs/$(name_of "$1")

    # shellcheck disable=SC2086
    timeout --kill-after=5 "$limit" ${RUNNER:-} "$1" >"$log.tap" 2>"$log.err" </dev/null
    echo $? >"$log.rc"
}

running=0
for bin in "$@"; do
    run_one "$bin" &
    running=$((running + 1))
    if [ "$running" -ge "${JOBS:-$(nproc)}" ]; then
        wait -n
        running=$((running - 1))
    fi
done
wait

passed=0 failed=0
for bin in "$@"; do
    name=$(name_of "$bin")
    log=$logs/$name
    rc=$(cat "$log.rc" 2>/dev/null || echo 127)
    tap=$(tr -d '\r' <"$log.tap")
    ok=$(grep -c '^ok ' <<<"$tap")
    bad=$(grep -c '^not ok ' <<<"$tap")
    # A file may hold several groups, each with a plan of its own.
    plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' <<<"$tap" | awk '{ n += $1 } END { print n + 0 }')
    skipped=$(grep -ci '^ok .*# skip' <<<"$tap")
    why=''
    if [ "$rc" = 124 ] || [ "$rc" = 137 ]; then
        why="no end within $limit s"
    elif [ "$bad" = 0 ] && [ "$rc" != 0 ]; then
        why="ended with $rc"
    elif [ "$plan" = 0 ]; then
        why='no result'
    elif [ $((ok + bad)) -lt "$plan" ]; then
        why="$((ok + bad)) of $plan results"
    elif [ "$skipped" != 0 ]; then
        why="$skipped skipped"
    fi
    if [ -n "$why" ]; then
        bad=$((bad + 1))
    fi
    if [ "$bad" != 0 ]; then
        echo "--- $suite: $name: $bad failed${why:+ ($why)}"
        # A red test carries its message between its line and the next: all is shown, it is short.
        grep -v '^ok ' <<<"$tap" | head -n 60
        head -n 80 "$log.err"
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
done

printf '%s: %d passed, %d failed, %d files (%d s)\n' "$suite" "$passed" "$failed" "$#" $((SECONDS - started))
if [ -n "${RESULT:-}" ]; then
    echo "$passed $failed" >>"$RESULT"
fi
[ "$failed" = 0 ] && [ "$passed" != 0 ]
