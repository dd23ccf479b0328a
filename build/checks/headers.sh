#!/bin/bash
# headers.sh 'COMPILER AND FLAGS' PLAT: each header under native/ passes alone through the compiler.
set -uo pipefail
cd "$(dirname "$0")/../.."
compile=$1 plat=$2
other=win
[ "$plat" = unix ] || other=unix
export compile
find native -name '*.h' -not -path "native/plat/$other/*" | sort |
    xargs -r -P "$(nproc)" -I{} bash -c '$compile -fsyntax-only -include {} -x c /dev/null || { echo "{}: does not pass alone"; exit 255; }'
