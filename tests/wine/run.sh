#!/bin/sh
# The Windows build under Wine: whole program, service, named pipe, module. Appends one line `passed failed` to the file
# named by $RESULT. Needs `make module`, `make TARGET=windows native test-bins`, `tests/psmodule/Shell/build.sh win-x64`.
# Arguments go to pytest: file names, -k words, -x.
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
PYTHONDONTWRITEBYTECODE=1
export PATH PYTHONDONTWRITEBYTECODE
here=$(cd "$(dirname "$0")" && pwd)
out=${ECSTOOLS_OUT:-$here/../../build/out}/windows
for tool in dockerd unshare aws ip busybox /usr/lib/wine/wine64; do
    command -v "$tool" >/dev/null || missing="${missing:-} $tool"
done
/usr/bin/python3 -c 'import pytest, botocore' 2>/dev/null || missing="${missing:-} python3-pytest python3-botocore"
[ -z "${missing:-}" ] || missing="missing:$missing; run build/setup.sh"
for file in ecsagent.exe ecsagent.dll ecslocal.exe tests/wine/pipe_relay.exe tests/wine/win_tool.exe \
    tests/wine/dll_tool.exe; do
    [ -f "$out/$file" ] || missing="no $file: run make TARGET=windows native test-bins"
done
[ -f "$here/../../psmodule/bin/ECSTools.dll" ] || missing='no psmodule/bin/ECSTools.dll: run make module'
[ -f "$here/../../build/out/psh-win/psh.exe" ] || missing='no psh.exe: run tests/psmodule/Shell/build.sh win-x64'
[ "$(id -u)" = 0 ] || missing='tests under Wine make network namespaces and need root'
if [ "${missing:-}" ]; then
    echo "$missing" >&2
    [ -z "${RESULT:-}" ] || echo "0 1" >>"$RESULT"
    exit 1
fi
cd "$here" || exit 1
if [ $# -gt 0 ]; then
    exec /usr/bin/python3 -m pytest -p no:cacheprovider -q --tb=short "$@"
fi
# The worlds' prefixes are laid over this one: nothing may write to it meanwhile.
../../build/wine.sh --init && ../../build/wine.sh --stop
rm -rf ../../build/out/wine-logs
waiting=test_metrics.py
queue='test_service.py test_module.py test_console.py'
for file in test_*.py; do
    case " $waiting $queue " in
    *" $file "*) ;;
    *) queue="$queue $file" ;;
    esac
done
exec ../lanes.sh 2 "$waiting" "$queue"
