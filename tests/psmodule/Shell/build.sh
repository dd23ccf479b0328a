#!/bin/bash
# Builds the console host: build/out/psh, a launcher beside the folder psh.d that holds the program.
# build.sh win-x64 makes build/out/psh-win, a folder with psh.exe and the .NET it needs, for Wine.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
out=$root/build/out
project=$root/tests/psmodule/Shell/Shell.csproj
log=$(mktemp)
trap 'rm -f "$log"' EXIT
mkdir -p "$out"

quietly()
{
    "$@" >"$log" 2>&1 </dev/null || { cat "$log" >&2; exit 1; }
}

if [ "${1:-}" = win-x64 ]; then
    quietly dotnet publish "$project" -c Release -r win-x64 --self-contained -o "$out/psh-win" --nologo -v quiet
    exit 0
fi
quietly dotnet build "$project" -c Release -o "$out/psh.d" --nologo -v quiet

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
