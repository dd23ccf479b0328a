#!/bin/bash
# wine.sh PROGRAM.exe ARGS...: runs a Windows program headless, in a Wine prefix of this checkout's own.
# wine.sh --init makes the prefix (once), --stop ends what runs in it, --env prints its settings for `eval`.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
export WINEPREFIX=${ECSTOOLS_WINEPREFIX:-$root/build/out/wine-prefix}
export WINEARCH=win64 WINEDEBUG=${WINEDEBUG:--all} WINEDLLOVERRIDES='mshtml=;winemenubuilder.exe='
export DOTNET_EnableWriteXorExecute=0
unset DISPLAY WAYLAND_DISPLAY XDG_RUNTIME_DIR || true
# The 64-bit loader itself: Debian's wrapper warns at each start that there is no 32-bit one.
loader=/usr/lib/wine/wine64
server=/usr/lib/wine/wineserver64

[ -x "$loader" ] || { echo 'wine: not installed: run build/setup.sh' >&2; exit 1; }

init()
{
    [ ! -f "$WINEPREFIX/.ready" ] || return 0
    mkdir -p "$(dirname "$WINEPREFIX")"
    exec 7>"$WINEPREFIX.lock"
    flock 7
    if [ ! -f "$WINEPREFIX/.ready" ]; then
        rm -rf "$WINEPREFIX"
        # 7>&-: the server that Wine leaves running must not hold the lock.
        { "$loader" wineboot -i && "$server" -w && "$loader" winecfg -v win10 && "$server" -w; } \
            >"$WINEPREFIX.log" 2>&1 </dev/null 7>&- ||
            { cat "$WINEPREFIX.log" >&2; echo 'wine: the prefix could not be made' >&2; exit 1; }
        touch "$WINEPREFIX/.ready"
    fi
    exec 7>&-
}

case ${1:-} in
--init) init ;;
--stop)
    [ -d "$WINEPREFIX" ] || exit 0
    "$server" -k >/dev/null 2>&1 || true
    ;;
--env)
    declare -p WINEPREFIX WINEARCH WINEDEBUG WINEDLLOVERRIDES DOTNET_EnableWriteXorExecute | sed 's/^declare -x/export/'
    ;;
'') echo 'usage: wine.sh PROGRAM.exe ARGS...' >&2; exit 2 ;;
*)
    init
    # A server that stays for a while: a program that comes just when the server goes is refused.
    "$server" -p30 </dev/null >/dev/null 2>&1 || true
    exec "$loader" "$@"
    ;;
esac
