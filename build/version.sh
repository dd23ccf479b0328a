#!/bin/bash
# version.sh: prints version.h. `version.sh --product` prints the product version alone.
set -euo pipefail
cd "$(dirname "$0")/.."
wire=1.105.1 # the vendor agent's level whose wire behaviour ours matches; control planes gate on it
product=$(sed -n "s/^[[:space:]]*ModuleVersion[[:space:]]*=[[:space:]]*'\([0-9.]*\)'.*/\1/p" ECSTools.psd1)
[ -n "$product" ] || { echo 'version: no ModuleVersion in ECSTools.psd1' >&2; exit 1; }
if [ "${1:-}" = --product ]; then
    echo "$product"
    exit 0
fi
commit=$(git -c core.abbrev=12 rev-parse --short HEAD 2>/dev/null) || commit=unknown
cat <<H
/* version.h - made by build/version.sh from ECSTools.psd1 and the commit. */
#ifndef EA_VERSION_H
#define EA_VERSION_H

#define EA_VERSION      "$product"
#define EA_WIRE_VERSION "$wire"
#define EA_COMMIT       "$commit"

#endif
H
