#!/bin/bash
# Builds the help into en-US beside the manifest, where PowerShell looks for it; $1 for another place.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../en-US}
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT

python3 "$here/maml.py" "$new"
mkdir -p "$out"
for file in "$new"/*; do
    cp "$file" "$out/.new"
    mv -f "$out/.new" "$out/$(basename "$file")"
done
