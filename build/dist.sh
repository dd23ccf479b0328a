#!/bin/bash
# Release archives from what is built: a folder ECSTools that is the module, with the native files of one
# system; debug symbols apart. The same sources give the same bytes: fixed order, owner, mode and time.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(build/version.sh --product)
dist=build/out/dist
linux=build/out/linux
windows=build/out/windows
rm -rf "$dist"
mkdir -p "$dist"

for f in "$linux"/{ecsagent,libecsagent.so,ecslocal} "$windows"/{ecsagent.exe,ecsagent.dll,ecslocal.exe} \
    build/out/module/ECSTools.dll; do
    [ -f "$f" ] || { echo "dist: $f is missing" >&2; exit 1; }
done

# pack NAME: makes NAME.zip or NAME.tar.gz from $dist/tree
pack()
{
    python3 - "$dist/$1" "$dist/tree" <<'PY'
import gzip, io, os, stat, sys, tarfile, zipfile

out, top = sys.argv[1:]
files = sorted(os.path.relpath(os.path.join(d, f), top) for d, _, fs in os.walk(top) for f in fs)

def mode(path):
    return 0o755 if os.stat(path).st_mode & stat.S_IXUSR else 0o644

if out.endswith(".zip"):
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        for f in files:
            path = os.path.join(top, f)
            info = zipfile.ZipInfo(f, (1980, 1, 1, 0, 0, 0))
            info.external_attr = (stat.S_IFREG | mode(path)) << 16
            info.create_system = 3
            info.compress_type = zipfile.ZIP_DEFLATED
            with open(path, "rb") as h:
                z.writestr(info, h.read())
else:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for f in files:
            path = os.path.join(top, f)
            info = tarfile.TarInfo(f)
            info.size, info.mode, info.mtime = os.path.getsize(path), mode(path), 0
            with open(path, "rb") as h:
                t.addfile(info, h)
    with open(out, "wb") as h, gzip.GzipFile("", "wb", 9, h, mtime=0) as g:
        g.write(raw.getvalue())
PY
    (cd "$dist" && sha256sum "$1" >>SHA256SUMS)
    echo "dist: $dist/$1 ($(stat -c %s "$dist/$1") bytes)"
}

# module DEPS NATIVE...: the module's folder, with the licenses of what is linked in
module()
{
    local deps=$1 f root=$dist/tree/ECSTools
    shift

    rm -rf "$dist/tree"
    mkdir -p "$root/psmodule/bin" "$root/licenses"
    for f in ECSTools.psd1 LICENSE README.md; do
        [ ! -f "$f" ] || install -m 644 "$f" "$root/"
    done
    for f in psmodule/*.ps1xml; do
        [ ! -f "$f" ] || install -m 644 "$f" "$root/psmodule/"
    done
    cp -r --no-preserve=mode en-US "$root/"
    install -m 644 build/out/module/ECSTools.dll "$root/psmodule/bin/"
    install -m 755 "$@" "$root/psmodule/bin/"
    install -m 644 "$deps"/share/licenses/*.txt "$root/licenses/"
    rm -f "$root/licenses/cmocka.txt" # tests only
}

module "$(build/build-deps.sh --print windows)" "$windows"/{ecsagent.exe,ecsagent.dll,ecslocal.exe}
pack "ECSTools-$version-windows-x64.zip"
module "$(build/build-deps.sh --print linux)" "$linux"/{ecsagent,libecsagent.so,ecslocal}
pack "ECSTools-$version-linux-x64.tar.gz"
rm -rf "$dist/tree"
mkdir -p "$dist/tree"
install -m 644 "$linux"/*.debug "$windows"/*.debug "$dist/tree/"
pack "ECSTools-$version-symbols.tar.gz"
rm -rf "$dist/tree"
# The folder itself, for this system: import it straight from here.
module "$(build/build-deps.sh --print linux)" "$linux"/{ecsagent,libecsagent.so,ecslocal}
mv "$dist/tree/ECSTools" "$dist/ECSTools"
rmdir "$dist/tree"
