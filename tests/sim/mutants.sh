#!/bin/bash
# mutants.sh [--smoke] [NAME...]: does the simulator bite? Applies each patch of mutants/ alone to a copy of
# the tree, builds the changed files and lets worlds run until one fails; as many at a time as there are processors.
#   without --smoke: fresh worlds, at most S seconds each (default 60); the table in README.md is written anew
#   with --smoke:    the seed that the table records; fresh worlds if the engine has changed so that it passes.
#                    First all recorded seeds must pass without any mutation
# A patch that does not apply, does not build or is not found is a failure. Appends "passed failed" to the
# file named in RESULT. The makefile gives CC_LINE, LINK_LINE, SIM_OBJECTS, LIBS_LINE and OUT_DIR.
set -uo pipefail
cd "$(dirname "$0")/../.."
smoke=
[ "${1:-}" = --smoke ] && { smoke=1; shift; }
seconds=${S:-60}
readme=tests/sim/README.md
work=$OUT_DIR/mutants
rm -rf "$work"
mkdir -p "$work"
passed=0 failed=0 rows=''

# build: the mutant as $dir/sim; says why not
build()
{
    local objects=() f skip=' ' o tree=$dir/tree
    mkdir -p "$tree/tests"
    cp -r native "$tree/"
    cp -r tests/sim "$tree/tests/"
    (cd "$tree" && GIT_CEILING_DIRECTORIES=$PWD/.. git apply "$patch") || { echo 'does not apply'; return 1; }
    for f in $patch_files; do
        case $f in *.c) ;; *) echo "changes $f, which is no .c file"; return 1 ;; esac
        o=$dir/${f//\//_}.o
        # shellcheck disable=SC2086
        $CC_LINE -I"$tree/native" -c "$tree/$f" -o "$o" || { echo 'does not build'; return 1; }
        objects+=("$o")
        skip+="$(basename "${f%.c}").o "
    done
    for o in $SIM_OBJECTS; do
        case $skip in *" $(basename "$o") "*) [[ $patch_files == *tests/sim/* ]] && continue ;; esac
        objects+=("$o")
    done
    # shellcheck disable=SC2086
    $LINK_LINE -o "$dir/sim" "${objects[@]}" $LIBS_LINE || { echo 'does not link'; return 1; }
}

# hunt ARGUMENTS: runs the mutant; seed of the world that failed, nothing if none did
hunt()
{
    local out rc
    out=$(timeout $((seconds + 20)) "$dir/sim" --stop-at-first "$@" 2>&1)
    rc=$?
    seed=$(sed -n 's/^first failed: //p' <<<"$out")
    worlds=$(sed -n 's/^sim: \([0-9]*\) worlds.*/\1/p' <<<"$out")
    how=$(sed -n 's/^world [0-9]* failed: //p' <<<"$out" | head -1)
    [ "$rc" != 124 ] || echo "mutant $name: a world does not end"
    [ "$rc" -le 128 ] || { seed=crash how="ended by signal $((rc - 128))"; }
    [ -n "$seed" ]
}

recorded() { sed -n "s/^| $1 |[^|]*| \([0-9a-z]*\) |.*/\1/p" "$readme"; }

# mutant PATCH: builds one and hunts it; what is to be said, and if it was found its row in $dir.row
mutant()
{
    local patch=$1 name dir patch_files seed='' how='' worlds='' began note old took
    name=$(basename "$patch" .patch)
    dir=$work/$name
    patch_files=$(sed -n 's|^+++ b/||p' "$patch")
    began=$EPOCHREALTIME
    if ! note=$(build 2>&1); then
        echo "mutant $name: $note"
    else
        old=$(recorded "$name")
        if [ -n "$smoke" ] && [[ $old =~ ^[0-9]+$ ]] && hunt --seed "$old"; then
            :
        else
            began=$EPOCHREALTIME
            hunt --seconds "$([ -n "$smoke" ] && echo 60 || echo "$seconds")" --from 1
        fi
        took=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
        if [ -n "$seed" ]; then
            [ -n "$smoke" ] || echo "mutant $name: seed $seed after ${worlds:-?} worlds, $took s: $how"
            echo "| $name | $(head -1 "$patch") | $seed | $took | ${how:-} |" >"$dir.row"
        else
            echo "mutant $name: NOT FOUND in $took s (${worlds:-?} worlds)"
        fi
    fi
    rm -rf "$dir"
}

if [ -n "$smoke" ]; then
    sed -n 's/^| [a-z-]* |[^|]*| \([0-9]*\) |.*/\1/p' "$readme" >"$work/seeds"
    if out=$("$OUT_DIR/tests/sim/sim" --seeds "$work/seeds"); then
        passed=1
    else
        printf '%s\n' "$out"
        failed=1
    fi
fi
names=()
for patch in "$PWD"/tests/sim/mutants/*.patch; do
    name=$(basename "$patch" .patch)
    [ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
    names+=("$name")
    [ "$(jobs -rp | wc -l)" -lt "$(nproc)" ] || wait -n
    mutant "$patch" &
done
wait
for name in "${names[@]}"; do
    if [ -s "$work/$name.row" ]; then
        passed=$((passed + 1))
        rows+=$(cat "$work/$name.row")$'\n'
    else
        failed=$((failed + 1))
    fi
done

if [ -z "$smoke" ] && [ $# = 0 ]; then
    ROWS=$rows perl -0777 -pi -e 's{(<!-- mutants -->\n).*?(<!-- end -->)}{$1| mutant | what it does | seed | s | how it was found |\n| --- | --- | --- | --- | --- |\n$ENV{ROWS}$2}s' "$readme"
fi
echo "mutants: $passed passed, $failed failed"
[ -z "${RESULT:-}" ] || echo "$passed $failed" >>"$RESULT"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
