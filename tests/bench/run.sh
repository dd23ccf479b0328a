#!/bin/sh
# One table of results: the agent against the bare Docker API, memory, CPU, sizes. README.md tells how to read it.
# Arguments go to bench.py (--help lists them). A figure that misses its target is no failure of this script.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
here=$(cd "$(dirname "$0")" && pwd)
missing=
for tool in dockerd unshare nginx ip busybox; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
/usr/bin/python3 -c 'import botocore' 2>/dev/null || missing="$missing python3-botocore"
if [ "$missing" ]; then
    echo "missing:$missing; run build/setup.sh" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "the figures are taken in network namespaces of their own: root is needed" >&2
    exit 1
fi
exec /usr/bin/python3 "$here/bench.py" "$@"
