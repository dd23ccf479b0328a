#!/bin/sh
# Whole-program tests: appends one line `passed failed` to the file named by $RESULT.
# Arguments go to pytest: file names, -k words, -x.
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
here=$(cd "$(dirname "$0")" && pwd)
for tool in dockerd unshare nginx docker-registry aws openssl ip busybox; do
    command -v "$tool" >/dev/null || missing="${missing:-} $tool"
done
/usr/bin/python3 -c 'import pytest, botocore' 2>/dev/null || missing="${missing:-} python3-pytest python3-botocore"
if [ "${missing:-}" ]; then
    echo "missing:$missing; run build/setup.sh" >&2
    [ -z "${RESULT:-}" ] || echo "0 1" >>"$RESULT"
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "whole-program tests make network namespaces and need root" >&2
    [ -z "${RESULT:-}" ] || echo "0 1" >>"$RESULT"
    exit 1
fi
cd "$here" || exit 1
exec /usr/bin/python3 -m pytest -p no:cacheprovider -q --tb=short "$@"
