#!/bin/bash
# if-changed.sh FILE: writes standard input to FILE, unless FILE says just that already.
set -euo pipefail
mkdir -p "$(dirname "$1")"
new=$1.$$
cat >"$new"
if cmp -s "$new" "$1"; then
    rm "$new"
else
    mv -f "$new" "$1"
fi
