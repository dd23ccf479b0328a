#!/bin/bash
# lanes.sh AT_ONCE 'FILE...' 'FILE...': runs files of whole-program tests, each in a pytest of its own, from the folder
# they are in. The first files mostly wait and begin together; of the second, as many as AT_ONCE at a time, in their
# order: the longest first. What a file says comes when it has ended. Appends "passed failed" to the file named in
# RESULT, if that is set; a file without a result is one failure.
set -uo pipefail
at_once=$1
read -ra waiting <<<"$2"
read -ra queue <<<"$3"
work=$(mktemp -d)
declare -A file_of=()
failed=0 working=0
trap 'kill "${!file_of[@]}" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

begin() # FILE
{
    # What a shell starts in the background ignores the interrupt, and so would what is tested here.
    RESULT=$work/$1.result env --default-signal=INT,QUIT /usr/bin/python3 -m pytest -p no:cacheprovider -q --tb=short \
        "$1" >"$work/$1.out" 2>&1 </dev/null &
    file_of[$!]=$1
}

end_of_one()
{
    local pid rc=0 file
    wait -n -p pid "${!file_of[@]}" || rc=$?
    file=${file_of[$pid]}
    unset "file_of[$pid]"
    [[ " ${waiting[*]} " == *" $file "* ]] || working=$((working - 1))
    [ -s "$work/$file.result" ] || echo '0 1' >"$work/$file.result"
    if [ "$rc" = 0 ]; then
        echo "$file: $(tail -n 1 "$work/$file.out")"
    else
        failed=1
        echo "--- $file ended with $rc"
        cat "$work/$file.out"
    fi
}

for file in "${waiting[@]}"; do
    begin "$file"
done
for file in "${queue[@]}"; do
    while [ "$working" -ge "$at_once" ]; do
        end_of_one
    done
    begin "$file"
    working=$((working + 1))
done
while [ "${#file_of[@]}" -gt 0 ]; do
    end_of_one
done
if [ -n "${RESULT:-}" ]; then
    cat "$work"/*.result | awk '{ p += $1; f += $2 } END { print p, f }' >>"$RESULT"
fi
exit "$failed"
