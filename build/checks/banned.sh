#!/bin/bash
# Calls, words and names that must not be in the tree. Looks at what git tracks or would track.
set -uo pipefail
cd "$(dirname "$0")/../.."
bad=0
files() { git ls-files --cached --others --exclude-standard -- "$@" | perl -nle 'print if -f'; }
# refuse WHY HITS: prints the hits, if any
refuse()
{
    [ -n "$2" ] || return 0
    printf '%s\n' "$2" | head -20 | sed "s|\$| <- $1|"
    bad=1
}
# Comments and strings are taken out first, so that a word about a function is no call of it.
code()
{
    files "$@" | while IFS= read -r f; do
        perl -0777 -pe 's{/\*.*?\*/}{my $c = $&; $c =~ s/[^\n]//g; $c}gse; s{"(?:\\.|[^"\\\n])*"}{""}g' "$f" |
            awk -v f="$f" '{ print f ":" NR ":" $0 }'
    done
}

native=$(code 'native/*.c' 'native/*.h')
tests=$(code 'tests/*.c' 'tests/*.h')
all=$(printf '%s\n%s\n' "$native" "$tests")

refuse 'banned call' "$(grep -E '[^_[:alnum:].>](strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atof|sscanf|gets|alloca)[[:space:]]*\(' <<<"$all")"
refuse 'memory only through base/alloc.h' "$(grep -v '^native/base/alloc\.c:' <<<"$native" | grep -E '[^_[:alnum:].>](malloc|calloc|realloc|free|strdup|strndup)[[:space:]]*\(')"
refuse '// comment' "$(grep -E '(^[^:]*:[0-9]*:|[^:"'"'"'])//' <<<"$all")"
refuse 'unfinished, by its own words' "$(files native psmodule build tests Makefile '*.psd1' | grep -v '^build/checks/' |
    xargs -r -d '\n' grep -nIE '\b(TODO|FIXME|XXX|HACK|NotImplementedException)\b')"
refuse 'skipped test' "$(files tests | xargs -r -d '\n' grep -nIE '\b(skip\(\)|Skip *= *"|pytest\.mark\.skip|exit 77)')"
refuse 'path of one machine' "$(files . | grep -v '^build/checks/' | xargs -r -d '\n' grep -nIE '(/home/[a-z]+|/root/|/work/(main|shared)|[Cc]:\\\\?Users\\\\?[A-Za-z]+)' )"
refuse 'address of a package registry' "$(files . | grep -v '^build/checks/' | xargs -r -d '\n' grep -nIiE '(deb\.debian\.org|api\.nuget\.org|nuget\.org/v3|registry\.npmjs|pypi\.org|files\.pythonhosted)')"
exit "$bad"
