#!/bin/bash
# The main job on this machine: what is missing is installed and built, a Docker Engine is started if
# none answers, then demo.ps1 runs in a real PowerShell engine. Ends by saying what still runs.
set -euo pipefail
cd "$(dirname "$0")/../.."
state=build/out/demo

say() { printf '\n== %s\n' "$*"; }

docker_answers() { curl -sf --max-time 3 --unix-socket /var/run/docker.sock http://docker/_ping >/dev/null 2>&1; }

start_docker()
{
    if docker_answers; then
        echo "Docker Engine answers: $(docker version --format '{{.Server.Version}}')"
        return
    fi
    echo "no Docker Engine answers: starting one (log: $state/dockerd.log)"
    setsid dockerd --pidfile "$PWD/$state/dockerd.pid" >"$state/dockerd.log" 2>&1 </dev/null &
    for ((i = 0; i < 300; i++)); do
        if docker_answers; then
            echo "Docker Engine answers: $(docker version --format '{{.Server.Version}}')"
            return
        fi
        if ((i > 20)) && [ ! -e "$state/dockerd.pid" ]; then
            break
        fi
        sleep 0.2
    done
    echo "demo: dockerd does not answer; the end of its log:" >&2
    tail -n 15 "$state/dockerd.log" >&2
    exit 1
}

# An image without a registry: Debian's static busybox and links to it.
make_image()
{
    local root
    if docker image inspect simple-web:latest >/dev/null 2>&1; then
        return
    fi
    root=$(mktemp -d)
    mkdir -p "$root/bin" "$root/tmp"
    cp "$(command -v busybox)" "$root/bin/busybox"
    for applet in $("$root/bin/busybox" --list); do
        [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
    done
    tar -C "$root" -c . | docker import --change 'ENV PATH=/bin' - simple-web:latest >/dev/null
    rm -rf "$root"
}

if [ "$(id -u)" != 0 ]; then
    echo "demo: run it as root: it sets up a service, an address and a container engine" >&2
    exit 1
fi
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH # Debian's aws, docker and python before others
mkdir -p "$state"
say "Docker Engine"
start_docker
make_image
say "Amazon ECS, in PowerShell"
exec build/out/psh -File build/demo/demo.ps1 </dev/null
