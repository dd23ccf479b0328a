#!/bin/bash
# build-deps.sh [--print] TARGET: builds the third-party static libraries for TARGET (linux, windows)
# into the cache, once; --print only tells the prefix (include/, lib/, share/licenses, VERSIONS).
# The prefix is named by the sha256 of deps.lock, this recipe (flags included) and the compiler.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
only_print=''
if [ "${1:-}" = --print ]; then
    only_print=yes
    shift
fi
target=${1:?usage: build-deps.sh [--print] linux|windows}
cache=${ECSTOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ecstools}

case $target in
linux) triple='' ;;
windows) triple=x86_64-w64-mingw32- ;;
*) echo "build-deps: no target '$target' (linux, windows)" >&2; exit 2 ;;
esac
compiler=$("${triple}gcc" --version 2>/dev/null | head -n 1) || compiler=none
key=$({ cat "$here/deps.lock" "$here/build-deps.sh"; echo "$compiler"; } | sha256sum | cut -c 1-16)
prefix=$cache/$target-$key
if [ -n "$only_print" ]; then
    echo "$prefix"
    exit 0
fi
[ ! -f "$prefix/VERSIONS" ] || exit 0

[ "$compiler" != none ] || { echo "build-deps: no ${triple}gcc: run build/setup.sh" >&2; exit 1; }
for tool in cmake make perl tclsh dpkg-source xz bzip2 flock; do
    command -v "$tool" >/dev/null || { echo "build-deps: no $tool: run build/setup.sh" >&2; exit 1; }
done
mkdir -p "$cache"
exec 8>"$cache/$target.lock"
flock 8
[ ! -f "$prefix/VERSIONS" ] || exit 0

started=$SECONDS
say() { printf 'deps[%s] %4ds %s\n' "$target" "$((SECONDS - started))" "$*"; }
rm -rf "$cache/$target-"*.tmp
tmp=$prefix.tmp
src=$tmp/src
log=$tmp/log
out=$tmp/out
mkdir -p "$src" "$log" "$out/include" "$out/lib" "$out/share/licenses"
trap 'rm -rf "$tmp"' EXIT
# The folder one compiles in is written into debug information: not that of the caller.
cd "$src"
# The stop of a make run must not leave compilers behind, nor inherit its job server.
unset MAKEFLAGS MFLAGS MAKELEVEL
unset CFLAGS CPPFLAGS LDFLAGS CC CXX
jobs=$(nproc)
export LC_ALL=C SOURCE_DATE_EPOCH=1 ZERO_AR_DATE=1

CC=${triple}gcc
AR=${triple}ar
OBJCOPY=${triple}objcopy
flags="-Os -g1 -fPIC -fvisibility=hidden -ffunction-sections -ffile-prefix-map=$src=deps -ffile-prefix-map=$out=deps"
data=-fdata-sections
case $target in
linux) flags="$flags -fstack-protector-strong -D_FORTIFY_SOURCE=2" ;;
windows) flags="$flags -D_WIN32_WINNT=0x0A00 -D__USE_MINGW_ANSI_STDIO=1" ;;
esac

# quiet NAME CMD...: runs it with its output in the log; shows the end of that when it fails
quiet()
{
    local name=$1
    shift
    if ! "$@" >>"$log/$name.log" 2>&1 </dev/null; then
        tail -n 40 "$log/$name.log" >&2
        echo "build-deps: $name for $target failed" >&2
        return 1
    fi
}

# cmake_lib NAME EXTRA_CFLAGS CMAKE_ARGS...
cmake_lib()
{
    local name=$1 cflags="$flags $2" cross=''
    shift 2
    [ "$target" != windows ] || cross="-DCMAKE_SYSTEM_NAME=Windows -DCMAKE_RC_COMPILER=$(command -v "${triple}windres")"
    # shellcheck disable=SC2086
    quiet "$name" cmake -S "$src/$name" -B "$src/$name/out" -G "Unix Makefiles" -DCMAKE_MAKE_PROGRAM="$(command -v make)" $cross \
        -DCMAKE_C_COMPILER="$CC" -DCMAKE_AR="$(command -v "$AR")" \
        -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="$cflags" \
        -DCMAKE_INSTALL_PREFIX="$out" -DCMAKE_INSTALL_LIBDIR=lib \
        -DCMAKE_PREFIX_PATH="$out" -DCMAKE_FIND_ROOT_PATH="$out" \
        -DBUILD_SHARED_LIBS=OFF "$@"
    quiet "$name" cmake --build "$src/$name/out" -j "$jobs"
    quiet "$name" cmake --install "$src/$name/out"
}

# plain_lib NAME DIR EXTRA_CFLAGS FILES...: no configure step needed, just compile and archive
plain_lib()
{
    local name=$1 dir=$2 cflags="$flags $3" file objects=''
    shift 3
    for file in "$@"; do
        # shellcheck disable=SC2086
        quiet "$name" "$CC" $cflags -c "$dir/$file" -o "$dir/$(basename "$file" .c).o"
        objects="$objects $dir/$(basename "$file" .c).o"
    done
    # shellcheck disable=SC2086
    quiet "$name" "$AR" rcsD "$out/lib/lib$name.a" $objects
}

# unpack PKG: Debian's source with Debian's patches
unpack() { quiet "$1" dpkg-source --no-check --no-copy -x "$cache/src/$1/"*.dsc "$src/$1"; }
# unpack_tar PKG [FOLDER]: the upstream tarball, or one folder of it
unpack_tar()
{
    local depth=1 only=()

    [ -z "${2:-}" ] || { depth=3 only=(--wildcards "*/$2/*"); }
    mkdir -p "$src/$1"
    quiet "$1" tar -xf "$cache/src/$1/$(cut -d ' ' -f 1 "$cache/src/$1/orig")" -C "$src/$1" \
        --strip-components="$depth" "${only[@]}"
}
license() { cp "$2" "$out/share/licenses/$1.txt"; } # NAME FILE

build_mbedtls()
{
    unpack mbedtls
    cmake_lib mbedtls "$data" -DENABLE_PROGRAMS=OFF -DENABLE_TESTING=OFF -DMBEDTLS_FATAL_WARNINGS=OFF \
        -DUSE_STATIC_MBEDTLS_LIBRARY=ON -DUSE_SHARED_MBEDTLS_LIBRARY=OFF
    license mbedtls "$src/mbedtls/LICENSE"
}

build_curl()
{
    local off='' name
    # The protocols are listed one by one: HTTP_ONLY also drops ws in newer versions.
    for name in ALTSVC AWS BEARER_AUTH COOKIES DICT DIGEST_AUTH DOH FILE FORM_API FTP GOPHER HSTS IMAP IPFS \
        KERBEROS_AUTH LDAP LDAPS LIBCURL_OPTION MIME MQTT NEGOTIATE_AUTH NETRC NTLM POP3 RTSP SHUFFLE_DNS SMB \
        SMTP SRP TELNET TFTP; do
        off="$off -DCURL_DISABLE_$name=ON"
    done
    unpack curl
    # shellcheck disable=SC2086
    cmake_lib curl "$data" $off -DCURL_DISABLE_WEBSOCKETS=OFF \
        -DCURL_USE_MBEDTLS=ON -DCURL_USE_OPENSSL=OFF -DCURL_USE_SCHANNEL=OFF -DENABLE_THREADED_RESOLVER=ON \
        -DMBEDTLS_INCLUDE_DIR="$out/include" -DMBEDTLS_LIBRARY="$out/lib/libmbedtls.a" \
        -DMBEDX509_LIBRARY="$out/lib/libmbedx509.a" -DMBEDCRYPTO_LIBRARY="$out/lib/libmbedcrypto.a" \
        -DBUILD_CURL_EXE=OFF -DBUILD_STATIC_LIBS=ON -DBUILD_TESTING=OFF -DBUILD_LIBCURL_DOCS=OFF \
        -DBUILD_MISC_DOCS=OFF -DENABLE_CURL_MANUAL=OFF -DCURL_ZLIB=OFF -DCURL_BROTLI=OFF -DCURL_ZSTD=OFF \
        -DUSE_NGHTTP2=OFF -DUSE_LIBIDN2=OFF -DUSE_WIN32_IDN=OFF -DCURL_USE_LIBPSL=OFF -DCURL_USE_LIBSSH2=OFF \
        -DCURL_USE_LIBSSH=OFF -DCURL_USE_GSSAPI=OFF -DCURL_USE_PKGCONFIG=OFF -DCURL_WINDOWS_SSPI=OFF \
        -DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none -DENABLE_UNICODE=OFF -DCURL_TARGET_WINDOWS_VERSION=0x0A00
    license curl "$src/curl/COPYING"
}

build_cjson()
{
    unpack cjson
    plain_lib cjson "$src/cjson" "$data -DCJSON_HIDE_SYMBOLS -DCJSON_NESTING_LIMIT=64" cJSON.c
    # Both ways of including it are in use: upstream installs it in a folder of its own.
    mkdir -p "$out/include/cjson"
    cp "$src/cjson/cJSON.h" "$out/include/"
    cp "$src/cjson/cJSON.h" "$out/include/cjson/"
    license cjson "$src/cjson/LICENSE"
}

build_libuv()
{
    unpack libuv1
    # On mingw a 2.6 MB zero table stays in .bss only without -fdata-sections.
    [ "$target" != windows ] || data=''
    cmake_lib libuv1 "$data" -DLIBUV_BUILD_SHARED=OFF -DLIBUV_BUILD_TESTS=OFF -DLIBUV_BUILD_BENCH=OFF
    data=-fdata-sections
    [ -f "$out/lib/libuv.a" ] || mv "$out/lib/libuv_a.a" "$out/lib/libuv.a"
    license libuv "$src/libuv1/LICENSE"
}

build_llhttp()
{
    unpack_tar nodejs deps/llhttp
    plain_lib llhttp "$src/nodejs/src" "$data -I$src/nodejs/include" api.c http.c llhttp.c
    # Its dllexport marks must not become exports of ours.
    [ "$target" != windows ] || quiet llhttp "$OBJCOPY" -R .drectve "$out/lib/libllhttp.a"
    cp "$src/nodejs/include/llhttp.h" "$out/include/"
    license llhttp "$src/nodejs/LICENSE-MIT"
}

build_sqlite3()
{
    unpack sqlite3
    (cd "$src/sqlite3" && quiet sqlite3 env CC=gcc ./configure --disable-tcl && quiet sqlite3 make sqlite3.c)
    plain_lib sqlite3 "$src/sqlite3" "$data -DSQLITE_THREADSAFE=2 -DSQLITE_DQS=0 -DSQLITE_DEFAULT_MEMSTATUS=0 \
        -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_DEPRECATED -DSQLITE_OMIT_SHARED_CACHE \
        -DSQLITE_OMIT_PROGRESS_CALLBACK -DSQLITE_OMIT_JSON -DSQLITE_OMIT_DATETIME_FUNCS -DSQLITE_OMIT_DESERIALIZE \
        -DSQLITE_OMIT_INCRBLOB -DSQLITE_OMIT_AUTHORIZATION -DSQLITE_OMIT_TRACE -DSQLITE_OMIT_INTROSPECTION_PRAGMAS \
        -DSQLITE_UNTESTABLE -DHAVE_FDATASYNC=1 -DSQLITE_LIKE_DOESNT_MATCH_BLOBS -DSQLITE_USE_ALLOCA=0" sqlite3.c
    cp "$src/sqlite3/sqlite3.h" "$out/include/"
    head -n 12 "$src/sqlite3/src/sqlite.h.in" >"$out/share/licenses/sqlite3.txt"
}

build_cmocka()
{
    unpack_tar cmocka
    cmake_lib cmocka '' -DWITH_STATIC_LIB=ON -DWITH_EXAMPLES=OFF -DUNIT_TESTING=OFF -DPICKY_DEVELOPER=OFF
    [ -f "$out/lib/libcmocka.a" ] || mv "$out/lib/libcmocka-static.a" "$out/lib/libcmocka.a"
    license cmocka "$(ls "$src/cmocka/LICENSE" "$src/cmocka/COPYING" 2>/dev/null | head -n 1)"
}

build_wslay()
{
    local dir=$src/aria2/lib config=''

    unpack_tar aria2 deps/wslay
    sed 's/@PACKAGE_VERSION@/1.1.1/' "$dir/includes/wslay/wslayver.h.in" >"$dir/includes/wslay/wslayver.h"
    case $target in
    linux) config='-DHAVE_ARPA_INET_H -DHAVE_NETINET_IN_H' ;;
    windows) config='-DHAVE_WINSOCK2_H' ;;
    esac
    plain_lib wslay "$dir" "$data $config -DWSLAY_VERSION=\"1.1.1\" -I$dir/includes" wslay_event.c wslay_frame.c \
        wslay_net.c wslay_queue.c wslay_stack.c
    mkdir -p "$out/include/wslay"
    cp "$dir/includes/wslay/"*.h "$out/include/wslay/"
    license wslay "$src/aria2/COPYING"
}

say "building into $prefix"
"$here/fetch-deps.sh" "$cache/src"
say 'sources are here'

# SQLite is one big file on one core: beside the others.
build_sqlite3 &
sqlite=$!
trap 'wait; rm -rf "$tmp"' EXIT
for name in mbedtls cjson libuv llhttp cmocka wslay curl; do
    "build_$name"
    say "$name"
done
wait "$sqlite" || exit 1
say sqlite3
trap 'rm -rf "$tmp"' EXIT

for lib in mbedtls mbedx509 mbedcrypto curl cjson uv llhttp sqlite3 cmocka wslay; do
    [ -f "$out/lib/lib$lib.a" ] || { echo "build-deps: lib$lib.a was not made" >&2; exit 1; }
done
rm -rf "$out/lib/cmake" "$out/lib/pkgconfig" "$out/bin" "$out/share/man" "$out/share/doc"
for pkg in "$cache/src"/*/; do
    echo "$(basename "$pkg") $(cat "$pkg/version")"
done >"$out/VERSIONS"
rm -rf "$prefix"
mv "$out" "$prefix"
say 'done'
