#requires -Version 5.1
<#
.SYNOPSIS
    Proves on a real Windows Server what no other machine can prove about the Amazon ECS agent of ECSTools.
.DESCRIPTION
    Run it as administrator on an instance where Initialize-ECSAgent has ended well. Each row of the table is one
    check of tests/README.md, "What only a real Windows Server can prove". A failed check never keeps the next ones
    from being made. Nothing is changed, unless -Disruptive is given: then containers are run, the service is
    stopped and killed, and the network service restarts. Without it those rows say "not run".
    The exit code is the number of failed checks.
.PARAMETER Disruptive
    Also makes the checks that start containers, end the agent's process or restart the host's network.
.PARAMETER Image
    Image of the containers that the disruptive checks run; it must fit this build of Windows. By default the
    Nano Server of this build.
.PARAMETER TaskAddress
    For tests of this script: where the task endpoint is looked for.
.EXAMPLE
    powershell.exe -ExecutionPolicy Bypass -File .\Verify-OnWindows.ps1
.EXAMPLE
    .\Verify-OnWindows.ps1 -Disruptive -Image mcr.microsoft.com/windows/nanoserver:ltsc2022
#>
[CmdletBinding()]
param(
    [switch] $Disruptive,
    [string] $Image,
    [string] $TaskAddress = '169.254.170.2'
)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
$ServiceKey = 'HKLM:\SYSTEM\CurrentControlSet\Services\AmazonECS'
$VersionKey = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
$DataFolder = Join-Path $env:ProgramData 'Amazon\ECS'
$Families = @{ 14393 = '2016'; 17763 = '2019'; 19041 = '2004'; 19042 = '20H2'; 20348 = '2022'; 26100 = '2025' }
$Images = @{ 17763 = '1809'; 19041 = '2004'; 19042 = '20H2'; 20348 = 'ltsc2022'; 26100 = 'ltsc2025' }
$rows = New-Object System.Collections.ArrayList

# ---- helpers -------------------------------------------------------------------------------------

function Add-Row([string] $Name, [string] $Result, [string] $Detail) {
    [void]$rows.Add([pscustomobject]@{ Result = $Result; Check = $Name; Detail = $Detail })
}

# One check: a block that answers its detail, or throws why it failed.
function Test-Fact([string] $Name, [scriptblock] $Check) {
    Write-Progress -Activity 'Verifying the Amazon ECS agent' -Status $Name
    try {
        $detail = [string](& $Check)
        $result = 'pass'
    } catch {
        $detail = $_.Exception.Message
        $result = 'FAIL'
    }
    Add-Row $Name $result $detail
}

# A check that changes something for a moment.
function Test-Change([string] $Name, [scriptblock] $Check) {
    if ($Disruptive) {
        Test-Fact $Name $Check
    } else {
        Add-Row $Name 'not run' 'needs -Disruptive'
    }
}

function Assert-That([bool] $Condition, [string] $Otherwise) {
    if (-not $Condition) { throw $Otherwise }
}

# Lines of both outputs. In 5.1 words on standard error count as errors of the script in some hosts.
function Invoke-Native([string] $Program, [string[]] $Arguments) {
    $ErrorActionPreference = 'Continue'
    $lines = @(& $Program @Arguments 2>&1 | ForEach-Object { "$_" })
    if ($LASTEXITCODE -ne 0) { throw "$Program $Arguments ended with ${LASTEXITCODE}: $lines" }
    $lines
}

# Status code and text of a GET without a proxy, also of an answer that is an error.
function Get-Answer([string] $Url) {
    $request = [Net.WebRequest]::Create($Url)
    $request.Proxy = $null
    $request.Timeout = 10000
    try {
        $response = $request.GetResponse()
    } catch {
        $failure = $_.Exception
        while ($failure -and -not ($failure -is [Net.WebException])) { $failure = $failure.InnerException }
        if (-not $failure -or -not $failure.Response) { throw }
        $response = $failure.Response
    }
    try {
        $reader = New-Object IO.StreamReader($response.GetResponseStream())
        [pscustomobject]@{ Code = [int]$response.StatusCode; Text = $reader.ReadToEnd() }
    } finally {
        $response.Close()
    }
}

function Get-Status {
    $answer = Get-Answer 'http://127.0.0.1:51678/v1/status'
    Assert-That ($answer.Code -eq 200) "/v1/status answers $($answer.Code)"
    ConvertFrom-Json $answer.Text
}

# For reasons: made before a fact is judged, so it never fails.
function Get-Waits {
    try {
        @((Get-Status).waits | ForEach-Object { "$($_.name): $($_.lastError)" }) -join '; '
    } catch {
        'unknown, it does not answer'
    }
}

function Wait-For([string] $What, [int] $Seconds, [scriptblock] $Condition) {
    $until = (Get-Date).AddSeconds($Seconds)
    $reason = 'it never was true'
    while ((Get-Date) -lt $until) {
        try {
            $found = & $Condition
            if ($found) { return $found }
        } catch {
            $reason = $_.Exception.Message
        }
        Start-Sleep -Milliseconds 500
    }
    throw "waited $Seconds s for $What in vain: $reason"
}

function Get-Build { [int](Get-ItemProperty $VersionKey).CurrentBuildNumber }

function Get-Address([string] $Address) {
    $found = @(Get-NetIPAddress -IPAddress $Address -ErrorAction SilentlyContinue)
    Assert-That ($found.Count -eq 1) "$Address is on $($found.Count) adapters"
    $found[0]
}

function Wait-ForTaskAddress([int] $Seconds) {
    [void](Wait-For "$TaskAddress to be preferred" $Seconds { "$((Get-Address $TaskAddress).AddressState)" -eq 'Preferred' })
    [void](Wait-For 'task roles to be ready' $Seconds { (Get-Status).taskRoleReady })
}

# A container that runs until it is removed; the block gets its id.
function Use-Container([scriptblock] $Body) {
    if (-not $Image) {
        $build = Get-Build
        Assert-That $Images.ContainsKey($build) "no image is known for build $build`: give -Image"
        $Image = "mcr.microsoft.com/windows/nanoserver:$($Images[$build])"
    }
    $id = @(Invoke-Native docker @('run', '-d', $Image, 'ping', '-t', 'localhost'))[-1].Trim()
    try {
        & $Body $id
    } finally {
        [void](Invoke-Native docker @('rm', '-f', $id))
    }
}

# ---- the system ----------------------------------------------------------------------------------

Test-Fact 'runs as administrator' {
    $me = New-Object Security.Principal.WindowsPrincipal([Security.Principal.WindowsIdentity]::GetCurrent())
    Assert-That $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator) 'start this shell as administrator'
    $me.Identity.Name
}
Test-Fact 'the build is a family that ECS knows, and the agent tells it' {
    $build = Get-Build
    Assert-That $Families.ContainsKey($build) "build $build is none"
    $type = (Get-ItemProperty $VersionKey).InstallationType
    Assert-That (@('Server', 'Server Core') -contains $type) "installation type $type"
    $want = 'WINDOWS_SERVER_{0}_{1}' -f $Families[$build], $(if ($type -eq 'Server') { 'FULL' } else { 'CORE' })
    $path = (Get-ItemProperty $ServiceKey).ImagePath
    $program = [regex]::Match($path, '^"([^"]+)"').Groups[1].Value
    $told = Invoke-Native $program @('-ecs-attributes')
    Assert-That ($told -contains "ecs.os-family=$want") "the agent tells: $($told -like 'ecs.os-*')"
    $want
}
Test-Fact 'Windows PowerShell 5.1 loads the module and its library' {
    $command = 'try { Import-Module ECSTools; (Get-ECSAgent).State } catch { $_.Exception.Message; exit 1 }'
    "Get-ECSAgent: $(Invoke-Native powershell.exe @('-NoProfile', '-Command', $command))"
}

# ---- the service ---------------------------------------------------------------------------------

Test-Fact 'the image path is quoted' {
    $path = (Get-ItemProperty $ServiceKey).ImagePath
    Assert-That ($path -match '^"[^"]+\\ecsagent\.exe" -windows-service$') $path
    $path
}
Test-Fact 'the start is automatic and delayed' {
    $key = Get-Item $ServiceKey
    Assert-That ($key.GetValue('Start') -eq 2) "Start is $($key.GetValue('Start'))"
    Assert-That ($key.GetValue('DelayedAutostart') -eq 1) 'it is not delayed'
    'automatic, delayed'
}
Test-Fact 'it depends on Docker' {
    $names = @((Get-Service AmazonECS).ServicesDependedOn | ForEach-Object { $_.Name })
    Assert-That ($names -contains 'Docker') "depends on: $names"
    "$names"
}
Test-Fact 'failures restart it after 5, 30 and 60 s, ends with a code too' {
    # SERVICE_FAILURE_ACTIONS as the manager stores it: five numbers, then type and delay of each action
    $key = Get-Item $ServiceKey
    $bytes = $key.GetValue('FailureActions')
    Assert-That ($null -ne $bytes -and $bytes.Length -ge 44) 'none are stored'
    $numbers = @(for ($at = 0; $at -lt 44; $at += 4) { [BitConverter]::ToInt32($bytes, $at) })
    $shown = "reset $($numbers[0]) s, $($numbers[3]) actions of type $($numbers[5]),$($numbers[7]),$($numbers[9]) after $($numbers[6]),$($numbers[8]),$($numbers[10]) ms"
    Assert-That ($numbers[0] -eq 300 -and "$($numbers[5..10])" -eq '1 5000 1 30000 1 60000') $shown
    Assert-That ($key.GetValue('FailureActionsOnNonCrashFailures') -eq 1) 'not after an end with a code'
    $shown
}
Test-Fact 'users may ask and not control' {
    $sddl = "$(Invoke-Native sc.exe @('sdshow', 'AmazonECS'))".Trim()
    $rights = [regex]::Match($sddl, '\(A;;([A-Z]*);;;BU\)').Groups[1].Value
    $each = @([regex]::Matches($rights, '..') | ForEach-Object { $_.Value })
    Assert-That ($each -contains 'LC') "users may not ask: $sddl"
    Assert-That (@($each | Where-Object { @('WP', 'RP', 'DT', 'WD', 'WO', 'DC', 'SD') -contains $_ }).Count -eq 0) "users may control: $sddl"
    $sddl
}
Test-Fact 'a shutdown of the machine waits 30 s for it' {
    $limit = (Get-Item $ServiceKey).GetValue('PreshutdownTimeout')
    Assert-That ($limit -eq 30000) "PreshutdownTimeout is $limit"
    "$limit ms"
}
Test-Fact 'it runs as LocalSystem and is connected' {
    $status = Get-Status
    Assert-That ($status.state -eq 'CONNECTED') "$($status.state): $(Get-Waits)"
    $service = Get-CimInstance Win32_Service -Filter "Name='AmazonECS'"
    Assert-That ($null -ne $service) 'there is no such service'
    Assert-That ($service.StartName -eq 'LocalSystem') $service.StartName
    Assert-That ($service.ProcessId -eq $status.pid) "service process $($service.ProcessId), agent $($status.pid)"
    "pid $($status.pid)"
}
Test-Fact 'events are in the application log, with their texts' {
    $started = Get-WinEvent -MaxEvents 1 -FilterHashtable @{ LogName = 'Application'; ProviderName = 'AmazonECSAgent'; Id = 100 }
    Assert-That ($started.Message -like 'The Amazon ECS agent has started.*') "message: $($started.Message)"
    "$($started.TimeCreated)"
}

# ---- folders and pipes ----------------------------------------------------------------------------

Test-Fact 'only SYSTEM and administrators read state and settings' {
    foreach ($path in (Join-Path $DataFolder 'data'), (Join-Path $DataFolder 'ecs.config')) {
        $acl = Get-Acl $path
        $others = @($acl.GetAccessRules($true, $true, [Security.Principal.SecurityIdentifier]) |
            Where-Object { @('S-1-5-18', 'S-1-5-32-544', 'S-1-3-4') -notcontains $_.IdentityReference.Value })
        Assert-That ($others.Count -eq 0) "$path is open to $($others | ForEach-Object { $_.IdentityReference.Value })"
        Assert-That $acl.AreAccessRulesProtected "$path inherits rights"
    }
    'protected'
}
Test-Fact 'the pipes of Docker and of the agent take a connection' {
    foreach ($name in 'docker_engine', 'AmazonECS\control') {
        $pipe = New-Object IO.Pipes.NamedPipeClientStream('.', $name, [IO.Pipes.PipeDirection]::InOut)
        try { $pipe.Connect(3000) } catch { throw "\\.\pipe\$name`: $($_.Exception.Message)" } finally { $pipe.Dispose() }
    }
    'docker_engine, AmazonECS\control'
}
Test-Fact 'roots of this machine are enough for the ECS endpoint' {
    $status = Get-Status
    Assert-That ($status.endpoint -like 'https://*') "the endpoint is $($status.endpoint): nothing to prove"
    Assert-That ($status.acsConnectedAt -gt 0) "no ACS session: $(Get-Waits)"
    $status.endpoint
}

# ---- the task network ------------------------------------------------------------------------------

Test-Fact 'the task address is on the adapter that owns the gateway of the nat network' {
    $network = ConvertFrom-Json "$(Invoke-Native docker @('network', 'inspect', 'nat'))"
    $gateway = @($network)[0].IPAM.Config[0].Gateway
    $owner = Get-Address $gateway
    $address = Get-Address $TaskAddress
    Assert-That ($address.InterfaceIndex -eq $owner.InterfaceIndex) "$TaskAddress is on $($address.InterfaceAlias), the gateway on $($owner.InterfaceAlias)"
    Assert-That ("$($address.AddressState)" -eq 'Preferred') "state $($address.AddressState)"
    Assert-That ([bool]$address.SkipAsSource) 'it may be a source address'
    $owner.InterfaceAlias
}
Test-Fact 'the agent listens on the task address itself' {
    $sockets = @(Get-NetTCPConnection -State Listen -LocalPort 80 -ErrorAction SilentlyContinue | Where-Object { $_.LocalAddress -eq $TaskAddress })
    Assert-That ($sockets.Count -eq 1) "$($sockets.Count) listeners on ${TaskAddress}:80; the agent waits for: $(Get-Waits)"
    Assert-That ($sockets[0].OwningProcess -eq (Get-Status).pid) "process $($sockets[0].OwningProcess) listens there"
    'bound directly'
}
Test-Fact 'the credentials endpoint answers on the task address' {
    $answer = Get-Answer "http://$TaskAddress/v2/credentials/none"
    Assert-That ($answer.Code -eq 400 -and $answer.Text -like '*InvalidIdInRequest*') "answer $($answer.Code) $($answer.Text)"
    '400 for an unknown id'
}
Test-Fact 'the capability for task roles is offered' {
    $found = @((Get-Status).capabilities | Where-Object { $_.name -eq 'com.amazonaws.ecs.capability.task-iam-role' })
    Assert-That ($found.Count -eq 1) 'the agent does not know it'
    Assert-That $found[0].offered "held back: $($found[0].reason)"
    'offered'
}
Test-Fact 'no range of WinNAT covers the agent''s ports' {
    # ranges that an administrator or the agent made end in an asterisk, or are stored for good
    $lasting = Invoke-Native netsh.exe @('int', 'ipv4', 'show', 'excludedportrange', 'protocol=tcp', 'store=persistent')
    $own = @($lasting | ForEach-Object { if ($_ -match '^\s*(\d+)\s+(\d+)') { "$($Matches[1])-$($Matches[2])" } })
    foreach ($line in (Invoke-Native netsh.exe @('int', 'ipv4', 'show', 'excludedportrange', 'protocol=tcp'))) {
        if ($line -notmatch '^\s*(\d+)\s+(\d+)\s*(\*?)') { continue }
        $first, $last, $mark = [int]$Matches[1], [int]$Matches[2], $Matches[3]
        if ($mark -or $own -contains "$first-$last") { continue }
        foreach ($port in 51678, 51679) {
            Assert-That (-not ($first -le $port -and $port -le $last)) "port $port lies in $first-$last"
        }
    }
    '51678 and 51679 are free of it'
}
Test-Fact 'the agent''s ports are reserved over restarts' {
    $ranges = @(Invoke-Native netsh.exe @('int', 'ipv4', 'show', 'excludedportrange', 'protocol=tcp', 'store=persistent') |
        ForEach-Object { if ($_ -match '^\s*(\d+)\s+(\d+)') { , @([int]$Matches[1], [int]$Matches[2]) } })
    foreach ($port in 51678, 51679) {
        $inside = @($ranges | Where-Object { $_[0] -le $port -and $port -le $_[1] })
        Assert-That ($inside.Count -gt 0) "port $port is not reserved; the agent waits for: $(Get-Waits)"
    }
    '51678, 51679'
}
Test-Fact 'the firewall lets containers in, by one rule' {
    $rules = @(Get-NetFirewallRule -DisplayName 'Amazon ECS task endpoint' -ErrorAction SilentlyContinue)
    Assert-That ($rules.Count -eq 1) "$($rules.Count) rules"
    $address = ($rules[0] | Get-NetFirewallAddressFilter).LocalAddress
    $port = ($rules[0] | Get-NetFirewallPortFilter).LocalPort
    Assert-That ("$address" -like "$TaskAddress*" -and "$port" -eq '80') "address $address, port $port"
    Assert-That ("$($rules[0].Enabled)" -eq 'True' -and "$($rules[0].Action)" -eq 'Allow') 'it allows nothing'
    "$address port $port"
}
Test-Fact 'no rule of the port proxy competes with the listener' {
    $key = 'HKLM:\SYSTEM\CurrentControlSet\Services\PortProxy\v4tov4\tcp'
    $rule = $null
    if (Test-Path $key) { $rule = (Get-Item $key).GetValue("$TaskAddress/80") }
    Assert-That ($null -eq $rule) "it is served by the proxy: $rule; the agent waits for: $(Get-Waits)"
    'none'
}
Test-Fact 'nothing of the host''s set-up is waited for' {
    $waits = @((Get-Status).waits | Where-Object { @('task-iam-role', 'port-reservation', 'firewall', 'container-route') -contains $_.name })
    Assert-That ($waits.Count -eq 0) (Get-Waits)
    'nothing'
}
Test-Fact 'the key of stored tasks is sealed for this machine' {
    $bytes = [IO.File]::ReadAllBytes((Join-Path $DataFolder 'data\ecsagent.db.key'))
    Add-Type -AssemblyName System.Security
    $scope = [Security.Cryptography.DataProtectionScope]::LocalMachine
    $key = [Security.Cryptography.ProtectedData]::Unprotect($bytes, $null, $scope)
    $length = $key.Length
    [Array]::Clear($key, 0, $length)
    Assert-That ($length -eq 32 -and $bytes.Length -gt 32) "$length bytes in $($bytes.Length)"
    'DPAPI, machine'
}

# ---- what needs a container, or ends the agent ------------------------------------------------------

Test-Change 'an unmodified container reaches the credentials endpoint within 40 s' {
    Use-Container {
        param($id)
        $url = "http://$TaskAddress/v2/credentials/none"
        [void](Wait-For 'the answer 400 inside the container' 40 {
            "$(Invoke-Native docker @('exec', $id, 'curl.exe', '-s', '-m', '3', '-o', 'NUL', '-w', '%{http_code}', $url))".Trim() -eq '400' })
        '400 for an unknown id'
    }
}
Test-Change 'the daemon takes the limits as the agent sends them' {
    Use-Container {
        param($id)
        $used = "$(Invoke-Native docker @('inspect', $id, '--format', '{{.Config.Image}}'))".Trim()
        $made = @(Invoke-Native docker @('create', '--memory', '500m', '--cpu-percent', '4', '--network', 'nat', $used, 'cmd', '/c', 'exit', '0'))[-1].Trim()
        try {
            $limits = "$(Invoke-Native docker @('inspect', $made, '--format', '{{.HostConfig.Memory}} {{.HostConfig.CpuPercent}} {{.HostConfig.NetworkMode}}'))".Trim()
        } finally {
            [void](Invoke-Native docker @('rm', $made))
        }
        Assert-That ($limits -eq '524288000 4 nat') $limits
        $limits
    }
}
Test-Change 'a stopped service leaves containers running and comes back' {
    Use-Container {
        param($id)
        $took = Measure-Command { Stop-Service AmazonECS }
        try {
            $running = "$(Invoke-Native docker @('inspect', $id, '--format', '{{.State.Running}}'))".Trim()
        } finally {
            Start-Service AmazonECS
        }
        Assert-That ($running -eq 'true') 'the container ended'
        [void](Wait-For 'CONNECTED' 120 { (Get-Status).state -eq 'CONNECTED' })
        'stopped in {0:n1} s' -f $took.TotalSeconds
    }
}
Test-Change 'a killed agent is started again by the manager' {
    $before = (Get-Status).pid
    Stop-Process -Id $before -Force
    $after = Wait-For 'a new process' 90 { $now = (Get-Status).pid; if ($now -ne $before) { $now } }
    "pid $before, then $after"
}
Test-Change 'the task address comes back when somebody removes it' {
    Remove-NetIPAddress -IPAddress $TaskAddress -Confirm:$false -ErrorAction Stop
    Wait-ForTaskAddress 60
    'repaired'
}
Test-Change 'the task address comes back when HNS restarts' {
    Restart-Service hns -Force
    foreach ($name in 'Docker', 'AmazonECS') {
        if ((Get-Service $name).Status -ne 'Running') { Start-Service $name }
    }
    Wait-ForTaskAddress 180
    'repaired'
}

# ---- the table ---------------------------------------------------------------------------------------

Write-Progress -Activity 'Verifying the Amazon ECS agent' -Completed
$columns = @{ Expression = 'Result'; Width = 8 }, @{ Expression = 'Check'; Width = 52 }, @{ Expression = 'Detail' }
$rows | Format-Table -Property $columns -Wrap | Out-String -Width 140 | Write-Output
$failed = @($rows | Where-Object { $_.Result -eq 'FAIL' }).Count
$passed = @($rows | Where-Object { $_.Result -eq 'pass' }).Count
Write-Output ('{0} passed, {1} failed, {2} not run' -f $passed, $failed, ($rows.Count - $passed - $failed))
exit $failed
