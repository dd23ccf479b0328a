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
if [ $# -gt 0 ]; then
    # What a shell starts in the background ignores the interrupt, and so would what is tested here.
    exec env --default-signal=INT,QUIT /usr/bin/python3 -m pytest -p no:cacheprovider -q --tb=short "$@"
fi

# Worlds do not see each other. Those that wait for telemetry's 20 s, for points of metrics and for pulls to be
# tried again need hardly any processor: all of them beside the others. A file that is not named comes last.
rm -rf ../../build/out/integ-logs
waiting='test_metrics.py test_metrics_life.py test_telemetry.py test_cloudwatch.py test_registry.py'
queue='test_engine.py test_trouble.py test_tasks.py test_local.py test_resources.py test_engine_disk.py'
for file in test_*.py; do
    case " $waiting $queue " in
    *" $file "*) ;;
    *) queue="$queue $file" ;;
    esac
done
exec ../lanes.sh 2 "$waiting" "$queue"
