#!/bin/bash
# The module in the real PowerShell engine as a Windows process (Wine): the one assembly finds and calls
# ecsagent.dll, first a fake with scripted answers, then the real one. Appends "passed failed" to the file
# named in RESULT.
set -uo pipefail
export LC_ALL=C.UTF-8 # the code page that Wine gives a program
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/build/out/psmodule-tests/wine
passed=0 failed=0
mkdir -p "$out"

"$here/Shell/build.sh" win-x64 || exit 1
"$root/build/wine.sh" --init || exit 1
trap '"$root/build/wine.sh" --stop' EXIT

# folder NAME DLL: a module folder as in a release, with that native library; prints the manifest's path
folder()
{
    local to=$out/$1/ECSTools
    rm -rf "$to"
    mkdir -p "$to/psmodule/bin"
    cp "$root/ECSTools.psd1" "$to/"
    cp "$root"/psmodule/*.ps1xml "$to/psmodule/"
    cp "$root/psmodule/bin/ECSTools.dll" "$to/psmodule/bin/"
    [ -z "$2" ] || cp "$2" "$to/psmodule/bin/ecsagent.dll"
    echo "Z:${to//\//\\}\\ECSTools.psd1"
}

# check WHY CODE TEXT COMMAND: the command's exit code and a text in its output
check()
{
    local got rc=0
    got=$(timeout 120 "$root/build/wine.sh" "$root/build/out/psh-win/psh.exe" -NoProfile -Command "$4" \
        2>&1 </dev/null | tr -d '\r'; exit "${PIPESTATUS[0]}") || rc=$?
    if [ "$rc" = "$2" ] && grep -qF -- "$3" <<<"$got"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED %s: exit code %s (want %s), want "%s" in:\n%s\n' "$1" "$rc" "$2" "$3" "$got"
    fi
}

x86_64-w64-mingw32-gcc -std=c17 -O1 -shared -Wall -Wextra -Wno-missing-field-initializers -Werror \
    -I "$root/native" -o "$out.fake.dll" "$here/fake/fake_ecsagent.c" -Wl,-Bstatic -lpthread || exit 1
fake=$(folder fake "$out.fake.dll")
none=$(folder none '')
import="Import-Module '$fake';"

check 'the module is loaded by its manifest' 0 'Initialize-ECSAgent' "$import Get-Command -Module ECSTools"
check 'arguments reach the DLL as UTF-8' 0 'cluster=Größe drivers=- role=1' \
    "$import Initialize-ECSAgent Größe -EnableIAMTaskRole -Verbose"
check 'text comes back as UTF-8' 0 'grüß Gott €' "$import (Get-ECSAgentTask).Containers.Reason"
check 'views work' 0 'simple-web:1         RUNNING       RUNNING    12.3    321' "$import Get-ECSAgentTask"
check 'a variable set in the script reaches the DLL' 0 'backend=http://x' \
    "$import \$env:ECS_BACKEND_HOST = 'http://x'; Initialize-ECSAgent -Verbose"
check 'the plan comes from the DLL' 0 'What if: Performing the operation "Install service" on target "AmazonECS".' \
    "$import Initialize-ECSAgent -WhatIf"
check 'a failure has its id and leaves 5' 5 'ECSConflict,' \
    "$import \$env:FAKE_ECSAGENT = 'conflict'; try { Initialize-ECSAgent } catch { \$_.FullyQualifiedErrorId }; exit \$LASTEXITCODE"
check 'a missing DLL is told' 0 'native library cannot be loaded from Z:\' \
    "Import-Module '$none'; try { Get-ECSAgent } catch { \$_.Exception.Message }"

if [ -f "$root/build/out/windows/ecsagent.dll" ]; then
    import="Import-Module '$(folder real "$root/build/out/windows/ecsagent.dll")';"
    check 'the real DLL tells that nothing is installed' 0 'state=NotInstalled' \
        "$import \"state=\$((Get-ECSAgent).State)\""
    check 'the real DLL has a plan' 0 'What if: Performing the operation' \
        "$import Initialize-ECSAgent -Cluster MyCluster -WhatIf"
    check 'without an agent there are no tasks to list' 0 'ECSUnreachable,' \
        "$import try { Get-ECSAgentTask } catch { \$_.FullyQualifiedErrorId }"
else
    echo 'FAILED no build/out/windows/ecsagent.dll: run make TARGET=windows native'
    failed=$((failed + 1))
fi

[ -z "${RESULT:-}" ] || echo "$passed $failed" >>"$RESULT"
echo "module-wine: $passed passed, $failed failed"
[ "$failed" = 0 ]
