#!/bin/bash
# Builds the console host: build/out/psh, a launcher beside the folder psh.d that holds the program.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
out=$root/build/out
log=$(mktemp)
trap 'rm -f "$log"' EXIT

mkdir -p "$out"
if ! dotnet build "$root/tests/psmodule/Shell/Shell.csproj" -c Release -o "$out/psh.d" --nologo \
        -v quiet >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi

cat >"$out/psh.new" <<'LAUNCHER'
#!/bin/sh
# Runs the console host beside this file with the machine's .NET.
self=$(readlink -f "$0")
for dotnet in "$(command -v dotnet)" "${DOTNET_ROOT:-}/dotnet" "$HOME/.dotnet/dotnet"; do
    if [ -x "$dotnet" ]; then
        exec "$dotnet" "${self}.d/psh.dll" "$@"
    fi
done
echo "psh: no dotnet on PATH, in DOTNET_ROOT or in ~/.dotnet" >&2
exit 127
LAUNCHER
chmod 755 "$out/psh.new"
mv -f "$out/psh.new" "$out/psh"
