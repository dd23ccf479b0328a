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
# What a shell starts in the background ignores the interrupt, and so would what is tested here.
pytest='env --default-signal=INT,QUIT /usr/bin/python3 -m pytest'
if [ $# -gt 0 ]; then
    exec $pytest -p no:cacheprovider -q --tb=short "$@"
fi

# Worlds do not see each other and mostly wait, the metrics longest: lanes side by side save most of it.
rm -rf ../../build/out/integ-logs
work=$(mktemp -d)
lanes=''
trap 'for lane in $lanes; do kill "$lane" 2>/dev/null; done; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
first='test_cloudwatch.py test_services.py test_trouble.py test_join.py test_tls.py test_plane.py test_world.py test_features.py test_metadata.py'
second=''
third='test_metrics.py'
fourth='test_registry.py test_telemetry.py'
for file in test_*.py; do
    case " $first $third $fourth " in
    *" $file "*) ;;
    *) second="$second $file" ;;
    esac
done
lane() { # its number, its files
    number=$1
    shift
    RESULT=$work/result.$number $pytest -p no:cacheprovider -q --tb=short "$@" \
        >"$work/out.$number" 2>&1 </dev/null &
    lanes="$lanes $!"
}
# shellcheck disable=SC2086
lane 1 $first
# shellcheck disable=SC2086
lane 2 $second
# shellcheck disable=SC2086
lane 3 $third
# shellcheck disable=SC2086
lane 4 $fourth
failed=0
for pid in $lanes; do
    wait "$pid" || failed=1
done
lanes=''
cat "$work"/out.*
for number in 1 2 3 4; do
    [ -s "$work/result.$number" ] || echo "0 1" >"$work/result.$number"
done
if [ "${RESULT:-}" ]; then
    cat "$work"/result.* | awk '{ p += $1; f += $2 } END { print p, f }' >>"$RESULT"
fi
exit "$failed"
