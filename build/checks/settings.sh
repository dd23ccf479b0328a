#!/bin/bash
# A setting that is live is read somewhere, one whose feature is to come ("later") nowhere.
set -euo pipefail
cd "$(dirname "$0")/../.."
table=native/agent/config.h
bad=0
rows=0
while read -r id flags; do
    rows=$((rows + 1))
    readers=$(grep -rlw --include='*.c' "EA_CFG_$id" native | wc -l || true)
    case $flags in
    *EA_SETF_LATER*)
        [ "$readers" = 0 ] || { echo "settings: $id is marked as to come, but $readers files read it"; bad=1; } ;;
    *)
        [ "$readers" != 0 ] || { echo "settings: nothing reads $id"; bad=1; } ;;
    esac
done < <(perl -0777 -ne 'while (/\bX\(([A-Z0-9_]+),\s*\\?\s*"[A-Z0-9_]+",(.*?)"\s*\)/gs) {
    my ($id, $rest) = ($1, $2); $rest =~ s/"(?:\\.|[^"\\])*("|$)//gs;
    my @f = $rest =~ /(EA_SETF_[A-Z]+)/g; print "$id @f\n" }' "$table")
[ "$rows" -gt 60 ] || { echo "settings: only $rows rows understood in $table"; bad=1; }
exit "$bad"
