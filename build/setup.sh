#!/bin/bash
# Installs all that building and testing need (build/packages.txt). Quick when nothing is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export DEBIAN_FRONTEND=noninteractive

dotnet_hint()
{
    if ! command -v dotnet >/dev/null 2>&1; then
        echo "setup: no dotnet: the module needs the .NET SDK 10 (package dotnet-sdk-10.0 of Microsoft's Debian feed)"
    fi
}

wanted=$(sed 's/[[:space:]]*#.*//; /^$/d' "$here/packages.txt")
installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
missing=$(comm -23 <(sort -u <<<"$wanted") <(sort -u <<<"$installed"))

if [ -z "$missing" ]; then
    echo "setup: nothing is missing"
    dotnet_hint
    exit 0
fi
if [ "$(id -u)" != 0 ]; then
    echo "setup: not root; install these: $(tr '\n' ' ' <<<"$missing")" >&2
    exit 1
fi

# Packages with a service would start it at once. A policy of our own says no while we install; one
# that is already there is left alone.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi

echo "setup: installing $(tr '\n' ' ' <<<"$missing")"
log=$(mktemp)
install_missing()
{
    # shellcheck disable=SC2086
    apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install -y --no-install-recommends \
        $missing </dev/null >"$log" 2>&1
}
apt-get -o Acquire::Retries=3 update </dev/null >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
if ! install_missing; then
    tail -n 40 "$log" >&2
    echo "setup: apt-get failed; all of its output is in $log" >&2
    exit 1
fi
rm -f "$log"
dotnet_hint
echo "setup: done"
