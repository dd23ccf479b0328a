#!/bin/bash
# Ends what the demo started: service, local control plane, and the Docker Engine if it was ours.
set -euo pipefail
cd "$(dirname "$0")/../.."
pid_file=build/out/demo/dockerd.pid

if [ -x build/out/psh ] && [ -e psmodule/bin/ECSTools.dll ]; then
    build/out/psh -File build/demo/demo-down.ps1 </dev/null
fi
if [ -e "$pid_file" ]; then
    pid=$(cat "$pid_file")
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
        kill "$pid"
        while [ -e "/proc/$pid" ]; do sleep 0.2; done
        echo "Docker Engine (process $pid) ended"
    fi
    rm -f "$pid_file"
fi
echo "nothing of the demo runs any more"
