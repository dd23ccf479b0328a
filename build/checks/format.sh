#!/bin/bash
# clang-format has nothing to change in any C file; with --fix it changes it. Other files: no tabs at the
# start of lines where the style has spaces, no blanks at line ends, a newline at the end.
set -uo pipefail
cd "$(dirname "$0")/../.."
bad=0
files() { git ls-files --cached --others --exclude-standard -- "$@" | perl -nle 'print if -f'; }
command -v clang-format >/dev/null || { echo 'format: no clang-format: run build/setup.sh' >&2; exit 1; }
if [ "${1:-}" = --fix ]; then
    files 'native/*.[ch]' 'tests/*.[ch]' | xargs -r -d '\n' clang-format -i
    exit 0
fi
files 'native/*.[ch]' 'tests/*.[ch]' | xargs -r -d '\n' -n 20 -P "$(nproc)" clang-format --dry-run -Werror || bad=1
hits=$(files . | grep -E '(\.(c|h|cs|mk|sh|py|md|psd1|ps1xml|txt|csproj)|Makefile|run)$' | xargs -r -d '\n' grep -nIE '[[:blank:]]+$')
if [ -n "$hits" ]; then
    printf '%s\n' "$hits" | head -20 | sed 's/$/ <- blanks at the end of the line/'
    bad=1
fi
while IFS= read -r f; do
    [ -s "$f" ] && [ -n "$(tail -c 1 "$f")" ] && { echo "$f: no newline at its end"; bad=1; }
done < <(files . | grep -E '\.(c|h|cs|mk|sh|py|md|psd1|ps1xml)$')
exit "$bad"
