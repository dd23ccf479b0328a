#!/bin/bash
# fetch-deps.sh DIR: brings the sources listed in deps.lock into DIR/<package>/, with a file `version`
# that tells the Debian version taken. They are Debian source packages, fetched by apt through a private
# configuration made from this machine's own: same address, same keyring, another suite. The machine's
# apt files and lists stay untouched.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dest=$1
suites='trixie sid' # where the listed versions are
lock=$here/deps.lock
# Of these one folder or only the tests are made: the tarball is enough, without Debian's packaging.
tar_only=' nodejs aria2 cmocka '

die() { echo "fetch-deps: $*" >&2; exit 1; }

mkdir -p "$dest"
exec 9>"$dest/.lock"
flock 9

rows() { sed 's/[[:space:]]*#.*//; /^[[:space:]]*$/d' "$lock"; }
packages() { rows | awk '!seen[$1]++ { print $1 }'; }

# have PKG: is there a whole, right copy already?
have()
{
    local file sha

    [ -f "$dest/$1/version" ] || return 1
    read -r file sha <"$dest/$1/orig" || return 1
    rows | awk -v p="$1" '$1 == p { print $3, $4 }' | grep -qxF "$file $sha" || return 1
    echo "$sha  $dest/$1/$file" | sha256sum --check --status
}

missing=''
for pkg in $(packages); do
    have "$pkg" || missing="$missing $pkg"
done
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null || die 'no apt-get: the sources come from Debian (run on Debian, or fill the cache elsewhere)'
work=$(mktemp -d "$dest/.apt.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/parts"

codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
# keyring FILE:LINE: what the machine's own sources entry names as its keyring
keyring()
{
    local named

    named=$(sed -nE 's/^Signed-By:[[:space:]]*(\/[^[:space:]]+).*/\1/p; s/^deb .*signed-by=(\/[^] ]+).*/\1/p' \
        "${1%:*}" 2>/dev/null | head -n 1)
    [ -n "$named" ] || named=/usr/share/keyrings/debian-archive-keyring.gpg
    [ ! -e "$named" ] || echo "Signed-By: $named"
}

# stanza RELEASE SUITES: a sources entry made from the machine's own one for RELEASE
stanza()
{
    local uri entry

    IFS='|' read -r uri entry < <(
        apt-get indextargets --format '$(RELEASE)|$(REPO_URI)|$(SOURCESENTRY)' \
            'Created-By: Packages' 'Component: main' 'Origin: Debian' |
            sed -n "s/^$1|//p" | head -n 1) || return 0
    printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$2"
    keyring "$entry"
    echo
}
stanza "$codename" "$suites" >"$work/own.sources"
grep -q '^URIs:' "$work/own.sources" || die "apt knows no suite '$codename' with component main on this machine"
stanza "$codename-security" trixie-security >>"$work/own.sources"

cat >"$work/apt.conf" <<CONF
Dir::Etc::SourceList "$work/own.sources";
Dir::Etc::SourceParts "$work/parts";
Dir::State::Lists "$work/lists";
Dir::Cache "$work/cache";
Acquire::Retries "3";
Acquire::Languages "none";
APT::Sandbox::User "";
CONF
apt() { local tool=$1; shift; APT_CONFIG="$work/apt.conf" "apt-$tool" "$@" </dev/null; }

apt get update >"$work/update.log" 2>&1 || { cat "$work/update.log" >&2; die 'apt-get update failed'; }

# take PKG DEBVERSION FILE SHA: downloads and checks one source package
take()
{
    local pkg=$1 version=$2 file=$3 sha=$4 new="$work/new-$1" how=''

    case $tar_only in *" $pkg "*) how=--tar-only ;; esac
    rm -rf "$new"
    mkdir "$new"
    # With the tarball alone, a signature or patch file that is missing beside it does not matter.
    (cd "$new" && apt get source --download-only $how "$pkg=$version") >"$work/$pkg.log" 2>&1 ||
        [ -n "$how" ] || return 1
    [ -f "$new/$file" ] || return 1
    if ! echo "$sha  $new/$file" | sha256sum --check --status; then
        echo "fetch-deps: $file differs from deps.lock, not taken" >&2
        return 1
    fi
    echo "$file $sha" >"$new/orig"
    echo "$version" >"$new/version"
    rm -rf "${dest:?}/$pkg"
    mv "$new" "$dest/$pkg"
    echo "fetch-deps: $pkg $version"
}

fetch()
{
    local pkg=$1 upstream file sha version

    while read -r _ upstream file sha; do
        for version in $(apt cache showsrc --only-source "$pkg" 2>/dev/null | sed -n 's/^Version: //p' |
            sort -urV); do
            [ "$(sed 's/^[0-9]*://; s/-[^-]*$//' <<<"$version")" = "$upstream" ] || continue
            take "$pkg" "$version" "$file" "$sha" && return 0
            echo "fetch-deps: $pkg $version is listed but cannot be had, trying the next" >&2
        done
    done < <(rows | awk -v p="$pkg" '$1 == p')
    [ ! -f "$work/$pkg.log" ] || tail -n 5 "$work/$pkg.log" >&2
    die "no version of $pkg in deps.lock can be had"
}

for pkg in $missing; do
    fetch "$pkg"
done
