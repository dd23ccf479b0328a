#!/bin/bash
# The same sources give the same bytes: what is built here against a second build of the same commit and changes, in
# another folder, under another name. reproducible.sh TARGET (linux or windows).
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${1:-windows}
here=${ECSTOOLS_OUT:-build/out}/$target
case $target in
windows) files='ecsagent.dll ecsagent.exe ecslocal.exe' ;;
*) files='libecsagent.so ecsagent ecslocal' ;;
esac
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
there=$top/another-folder-of-another-length
git clone -q --no-hardlinks . "$there"
git diff --binary HEAD >"$top/changes"
[ ! -s "$top/changes" ] || git -C "$there" apply "$top/changes"
git ls-files --others --exclude-standard -z native build tests | while IFS= read -r -d '' f; do
    install -D "$f" "$there/$f"
done
# A cache of objects would answer with those of the first build.
export CCACHE_DISABLE=1
unset MAKEFLAGS MFLAGS ECSTOOLS_OUT
make --no-print-directory -C "$there" TARGET="$target" -j2 native >"$top/log" 2>&1 || { cat "$top/log" >&2; exit 1; }
bad=0
for f in $files; do
    a=$(sha256sum <"$here/$f") b=$(sha256sum <"$there/build/out/$target/$f")
    if [ "$a" = "$b" ]; then
        echo "reproducible: $f ${a%% *}"
    else
        echo "reproducible: $f differs between two folders: $(cmp "$here/$f" "$there/build/out/$target/$f" 2>&1 | tail -1)"
        bad=1
    fi
done
exit "$bad"
