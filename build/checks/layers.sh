#!/bin/bash
# Reads the #include lines under native/ and refuses each that points up, or sideways where it must not.
set -euo pipefail
cd "$(dirname "$0")/../.."
bad=0
find native -name '*.[ch]' | sort | xargs -r grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]+[<"]' | awk '
BEGIN {
    # area: the areas it may include, besides itself
    may["base"]   = ""
    may["model"]  = "base"
    may["engine"] = "base model"
    may["plat"]   = "base"
    may["net"]    = "base plat"
    below         = "base model plat net"
    may["aws"]    = below
    may["docker"] = below
    may["store"]  = below
    # Signed requests and the API calls are theirs to use; the other way round never.
    may["acs"]    = below " aws"
    may["report"] = below " aws"
    may["serve"]  = below
    # Operations behind the exported interface: they speak its structs, and HTTP over the same local sockets.
    may["manage"] = below " docker"
    abi["manage"] = abi["agent"] = abi["host"] = 1
    may["agent"]  = below " engine aws docker store acs report serve manage"
    may["host"]   = ""
    may["local"]  = "base model plat net store"
    # Single files of an area that others may use although the area as a whole is not theirs.
    file["local aws/sigv4.h"] = 1
    # Event and effect structs of the engine are plain data, made and read by those who talk to the backend.
    file["acs engine/engine.h"] = file["acs engine/effects.h"] = 1
    file["report engine/engine.h"] = file["report engine/effects.h"] = 1
}
function fail(text) { printf "%s:%s: %s\n", path, line, text; bad = 1 }
{
    split($0, f, ":"); path = f[1]; line = f[2]
    match($0, /[<"][^>"]*[>"]/); quote = substr($0, RSTART, 1); inc = substr($0, RSTART + 1, RLENGTH - 2)
    n = split(path, p, "/")
    area = n > 2 ? p[2] : ""
    if (area != "" && !(area in may)) { fail("folder native/" area " has no layer: add it to build/checks/layers.sh"); next }
    # Operating system headers: only where the difference between systems lives.
    if (quote == "<") {
        if (area != "plat" && inc ~ /^(windows|winsock2|ws2tcpip|winsvc|winternl|iphlpapi|sys\/(socket|un|wait|mount|epoll)|linux\/.*|unistd|pthread|netinet\/.*|arpa\/inet)\.h$/)
            fail("<" inc "> outside native/plat")
        if ((area == "engine" || area == "model") && inc ~ /^(uv|curl\/curl|time|sqlite3|stdio|mbedtls\/.*)\.h$/ && inc != "stdio.h")
            fail("<" inc "> in native/" area ", which is free of I/O")
        next
    }
    # "../base/err.h" from native/acs and "base/err.h" by -Inative are the same file.
    m = split(inc, q, "/")
    if (m == 1) {
        if (inc == "ecsagent.h") { if (area != "" && !(area in abi)) fail("ecsagent.h is for manage, agent and host"); }
        next
    }
    depth = n - 1; start = 1
    while (q[start] == "..") { start++; depth-- }
    if (start > 1) {
        full = ""
        for (i = 2; i <= depth; i++) full = full p[i] "/"
        for (i = start; i <= m; i++) full = full q[i] (i < m ? "/" : "")
    } else
        full = inc
    split(full, t, "/"); to = index(full, "/") ? t[1] : ""
    if (full == "ecsagent.h") { if (!(area in abi)) fail("ecsagent.h is for manage, agent and host"); next }
    if (to == "" || to == area) {
        if (area == "plat" && (full ~ /^plat\/(unix|win)\//) && p[3] != "unix" && p[3] != "win")
            fail("shared code includes a system folder: " inc)
        next
    }
    if (area == "plat" && (to == "unix" || to == "win") && n == 3)
        fail("shared code includes a system folder: " inc)
    if (!(to in may)) next
    if (index(" " may[area] " ", " " to " ") || ((area " " full) in file)) next
    fail(area " must not include " to ": " inc)
}
END { exit bad }' || bad=1
# The system switch itself.
while IFS= read -r hit; do
    echo "$hit: system switch outside native/plat"
    bad=1
done < <(grep -rnE '\b(_WIN32|_WIN64|__linux__|__MINGW32__|__MINGW64__|_MSC_VER)\b' native --include='*.[ch]' | grep -v '^native/plat/' | cut -d: -f1,2)
exit "$bad"
