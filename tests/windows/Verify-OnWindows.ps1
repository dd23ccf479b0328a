<#
.SYNOPSIS
    Proves on a real Windows Server what no other machine can prove about the Amazon ECS agent of ECSTools.
.DESCRIPTION
    Run it as administrator on an instance where Initialize-ECSAgent has ended well. Each row of the table is one
    check of tests/README.md, "What only a real Windows Server can prove". Nothing is changed, unless
    -Disruptive is given: then the service is killed, stopped and started, and a container is run.
    Ends with the number of failed checks.
.PARAMETER Disruptive
    Also runs the checks that end the agent's process or start a container.
.PARAMETER Image
    Image of the container that the disruptive checks run; it must fit this build of Windows.
.EXAMPLE
    .\Verify-OnWindows.ps1
.EXAMPLE
    .\Verify-OnWindows.ps1 -Disruptive -Image mcr.microsoft.com/windows/nanoserver:ltsc2022
#>
[CmdletBinding()]
param(
    [switch] $Disruptive,
    [string] $Image = 'mcr.microsoft.com/windows/nanoserver:ltsc2022'
)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
$TaskAddress = '169.254.170.2'
$Introspection = 'http://127.0.0.1:51678'
$ServiceKey = 'HKLM:\SYSTEM\CurrentControlSet\Services\AmazonECS'
$DataFolder = Join-Path $env:ProgramData 'Amazon\ECS'
$rows = New-Object System.Collections.ArrayList

# One check: a block that answers its detail, or throws why it failed.
function Test-Fact([string] $Name, [scriptblock] $Check) {
    try {
        $detail = [string](& $Check)
        $result = 'pass'
    } catch {
        $detail = $_.Exception.Message
        $result = 'FAIL'
    }
    [void]$rows.Add([pscustomobject]@{ Check = $Name; Result = $result; Detail = $detail })
}

function Assert-That([bool] $Condition, [string] $Otherwise) {
    if (-not $Condition) { throw $Otherwise }
}

function Get-Status {
    Invoke-RestMethod -UseBasicParsing -Uri "$Introspection/v1/status" -TimeoutSec 10
}

function Wait-For([string] $What, [int] $Seconds, [scriptblock] $Condition) {
    $until = (Get-Date).AddSeconds($Seconds)
    while ((Get-Date) -lt $until) {
        try { $found = & $Condition } catch { $found = $null }
        if ($found) { return $found }
        Start-Sleep -Milliseconds 200
    }
    throw "$What within $Seconds s"
}

# ---- the system ----------------------------------------------------------------------------------

Test-Fact 'runs as administrator' {
    $me = New-Object Security.Principal.WindowsPrincipal([Security.Principal.WindowsIdentity]::GetCurrent())
    Assert-That $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator) 'start this shell as administrator'
    $me.Identity.Name
}
Test-Fact 'the build is a family that ECS knows' {
    $now = Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
    $known = @{ 14393 = '2016'; 17763 = '2019'; 19041 = '2004'; 19042 = '20H2'; 20348 = '2022'; 26100 = '2025' }
    Assert-That $known.ContainsKey([int]$now.CurrentBuildNumber) "build $($now.CurrentBuildNumber) is none"
    Assert-That ($now.InstallationType -in 'Server', 'Server Core') "installation type $($now.InstallationType)"
    "WINDOWS_SERVER_$($known[[int]$now.CurrentBuildNumber]) $($now.InstallationType)"
}
Test-Fact 'Windows PowerShell 5.1 loads the module and its library' {
    $text = & powershell.exe -NoProfile -Command 'Import-Module ECSTools; (Get-ECSAgent).State'
    Assert-That ($LASTEXITCODE -eq 0) "powershell.exe ended with $LASTEXITCODE"
    "Get-ECSAgent: $text"
}

# ---- the service ---------------------------------------------------------------------------------

Test-Fact 'the image path is quoted' {
    $path = (Get-ItemProperty $ServiceKey).ImagePath
    Assert-That ($path -match '^"[^"]+\\ecsagent\.exe" -windows-service$') $path
    $path
}
Test-Fact 'the start is automatic and delayed' {
    $now = Get-ItemProperty $ServiceKey
    Assert-That ($now.Start -eq 2) "Start is $($now.Start)"
    Assert-That ($now.DelayedAutostart -eq 1) 'it is not delayed'
    'automatic, delayed'
}
Test-Fact 'it depends on Docker' {
    $names = @((Get-Service AmazonECS).ServicesDependedOn | ForEach-Object { $_.Name })
    Assert-That ($names -contains 'Docker') "depends on: $names"
    "$names"
}
Test-Fact 'failures restart it after 5, 30 and 60 s, ends with a code too' {
    $text = (& sc.exe qfailure AmazonECS) -join ' '
    Assert-That ($text -match '5000' -and $text -match '30000' -and $text -match '60000') $text
    $flag = (& sc.exe qfailureflag AmazonECS) -join ' '
    Assert-That ($flag -match 'TRUE|1') $flag
    '5, 30, 60 s'
}
Test-Fact 'users may ask and not control' {
    $sddl = ((& sc.exe sdshow AmazonECS) -join '').Trim()
    Assert-That ($sddl -match '\(A;;[A-Z]*;;;BU\)') $sddl
    Assert-That ($sddl -notmatch '\(A;;[A-Z]*(WP|RP|WD|WO|DC)[A-Z]*;;;BU\)') $sddl
    $sddl
}
Test-Fact 'a shutdown of the machine waits 30 s for it' {
    $text = (& sc.exe qpreshutdown AmazonECS) -join ' '
    Assert-That ($text -match '30000') $text
    '30000 ms'
}
Test-Fact 'it runs as LocalSystem and is connected' {
    $status = Get-Status
    Assert-That ($status.state -eq 'CONNECTED') "$($status.state): $($status.waits | ConvertTo-Json -Compress)"
    $process = Get-CimInstance Win32_Service -Filter "Name='AmazonECS'"
    Assert-That ($process.StartName -eq 'LocalSystem') $process.StartName
    Assert-That ($process.ProcessId -eq $status.pid) "service process $($process.ProcessId), agent $($status.pid)"
    "pid $($status.pid)"
}

Test-Fact 'events are in the application log, with their texts' {
    $event = Get-WinEvent -MaxEvents 1 -FilterHashtable @{ LogName = 'Application'; ProviderName = 'AmazonECSAgent'; Id = 100 }
    Assert-That ($event.Message -like 'The Amazon ECS agent has started.*') "message: $($event.Message)"
    "$($event.TimeCreated)"
}

# ---- folders and pipes ----------------------------------------------------------------------------

Test-Fact 'only SYSTEM and administrators read state and settings' {
    foreach ($path in (Join-Path $DataFolder 'data'), (Join-Path $DataFolder 'ecs.config')) {
        $rules = (Get-Acl $path).Access
        $others = @($rules | Where-Object { $_.IdentityReference.Translate([Security.Principal.SecurityIdentifier]).Value -notin
            'S-1-5-18', 'S-1-5-32-544', 'S-1-3-4' })
        Assert-That ($others.Count -eq 0) "$path is open to $($others | ForEach-Object { $_.IdentityReference })"
        Assert-That ((Get-Acl $path).AreAccessRulesProtected) "$path inherits rights"
    }
    'protected'
}
Test-Fact 'the pipes are there' {
    $pipes = [IO.Directory]::GetFiles('\\.\pipe\')
    foreach ($name in 'docker_engine', 'AmazonECS\control') {
        Assert-That ($pipes -contains "\\.\pipe\$name") "no \\.\pipe\$name"
    }
    'docker_engine, AmazonECS\control'
}
Test-Fact 'roots of this machine are enough for the ECS endpoint' {
    $status = Get-Status
    Assert-That ($status.endpoint -like 'https://*') "the endpoint is $($status.endpoint): nothing to prove"
    Assert-That ($status.acsConnectedAt -gt 0) 'no ACS session'
    $status.endpoint
}

# ---- the task network ------------------------------------------------------------------------------

Test-Fact 'the task address is on the adapter that owns the gateway of the nat network' {
    $gateway = (& docker network inspect nat --format '{{(index .IPAM.Config 0).Gateway}}').Trim()
    $owner = Get-NetIPAddress -IPAddress $gateway
    $address = Get-NetIPAddress -IPAddress $TaskAddress
    Assert-That ($address.InterfaceIndex -eq $owner.InterfaceIndex) "$TaskAddress is on $($address.InterfaceAlias), the gateway on $($owner.InterfaceAlias)"
    Assert-That ($address.AddressState -eq 'Preferred') "state $($address.AddressState)"
    Assert-That ($address.SkipAsSource) 'it may be a source address'
    $owner.InterfaceAlias
}
Test-Fact 'the agent listens on the task address itself' {
    $socket = Get-NetTCPConnection -State Listen -LocalPort 80 | Where-Object { $_.LocalAddress -eq $TaskAddress }
    Assert-That ($null -ne $socket) "nobody listens on ${TaskAddress}:80"
    Assert-That ($socket.OwningProcess -eq (Get-Status).pid) "process $($socket.OwningProcess) listens there"
    'bound directly'
}
Test-Fact 'the credentials endpoint answers on the task address' {
    try {
        $code = [int](Invoke-WebRequest -UseBasicParsing -Uri "http://$TaskAddress/v2/credentials/none" -TimeoutSec 5).StatusCode
    } catch [Net.WebException] {
        $code = [int]$_.Exception.Response.StatusCode
    }
    Assert-That ($code -eq 400) "answer $code instead of 400"
    '400 for an unknown id'
}
Test-Fact 'the capability for task roles is offered' {
    $row = (Get-Status).capabilities | Where-Object { $_.name -eq 'com.amazonaws.ecs.capability.task-iam-role' }
    Assert-That ($row -and $row.offered) "held back: $($row.reason)"
    'offered'
}
Test-Fact 'WinNAT excludes none of the agent''s ports' {
    $text = & netsh.exe int ipv4 show excludedportrange protocol=tcp
    foreach ($line in $text) {
        if ($line -match '^\s*(\d+)\s+(\d+)') {
            foreach ($port in 51678, 51679) {
                Assert-That (-not ([int]$Matches[1] -le $port -and $port -le [int]$Matches[2])) "port $port lies in $($Matches[1])-$($Matches[2])"
            }
        }
    }
    '51678 and 51679 are free'
}

Test-Fact 'the agent''s ports are reserved over restarts' {
    $text = (& netsh.exe int ipv4 show excludedportrange protocol=tcp store=persistent) -join "`n"
    foreach ($port in 51678, 51679) { Assert-That ($text -match "\b$port\b") "port $port is not reserved: $text" }
    '51678, 51679'
}
Test-Fact 'the firewall lets containers in, by one rule' {
    $rules = @(Get-NetFirewallRule -DisplayName 'Amazon ECS task endpoint')
    Assert-That ($rules.Count -eq 1) "$($rules.Count) rules"
    $address = ($rules[0] | Get-NetFirewallAddressFilter).LocalAddress
    $port = ($rules[0] | Get-NetFirewallPortFilter).LocalPort
    Assert-That ("$address" -like "$TaskAddress*" -and "$port" -eq '80') "address $address, port $port"
    Assert-That ("$($rules[0].Enabled)" -eq 'True' -and "$($rules[0].Action)" -eq 'Allow') 'it allows nothing'
    "$address port $port"
}
Test-Fact 'no rule of the port proxy competes with the listener' {
    $key = 'HKLM:\SYSTEM\CurrentControlSet\Services\PortProxy\v4tov4\tcp'
    $rule = if (Test-Path $key) { (Get-Item $key).GetValue("$TaskAddress/80") }
    Assert-That ($null -eq $rule) "it is served by the proxy: $rule; what has port 80 is in $((Get-Status).waits | ConvertTo-Json -Compress)"
    'none'
}
Test-Fact 'nothing of the host''s set-up is waited for' {
    $waits = @((Get-Status).waits | Where-Object { $_.name -in 'task-iam-role', 'port-reservation', 'firewall', 'container-route' })
    Assert-That ($waits.Count -eq 0) ($waits | ConvertTo-Json -Compress)
    'nothing'
}
Test-Fact 'the key of stored tasks is sealed for this machine' {
    $bytes = [IO.File]::ReadAllBytes((Join-Path $DataFolder 'data\ecsagent.db.key'))
    Add-Type -AssemblyName System.Security
    $scope = [Security.Cryptography.DataProtectionScope]::LocalMachine
    $key = [Security.Cryptography.ProtectedData]::Unprotect($bytes, $null, $scope)
    Assert-That ($key.Length -eq 32 -and $bytes.Length -gt 32) "$($key.Length) bytes"
    [Array]::Clear($key, 0, $key.Length)
    'DPAPI, machine'
}

# ---- what needs a container, or ends the agent ------------------------------------------------------

if ($Disruptive) {
    Test-Fact 'an unmodified container reaches the credentials endpoint' {
        $text = & docker run --rm $Image cmd /c "curl.exe -s -o NUL -w %{http_code} http://$TaskAddress/v2/credentials/none"
        Assert-That ("$text".Trim() -eq '400') "answer: $text"
        '400 for an unknown id'
    }
    Test-Fact 'a running container has a route to the task address' {
        $id = (& docker run -d $Image ping -t localhost).Trim()
        try {
            [void](Wait-For 'a route' 40 { (& docker exec $id cmd /c 'route print -4') -match '169\.254\.170\.2\s+255\.255\.255\.255' })
        } finally {
            & docker rm -f $id | Out-Null
        }
        'added from outside'
    }
    Test-Fact 'the task address comes back when somebody removes it' {
        Remove-NetIPAddress -IPAddress $TaskAddress -Confirm:$false
        [void](Wait-For "$TaskAddress preferred" 40 {
            (Get-NetIPAddress -IPAddress $TaskAddress -ErrorAction SilentlyContinue).AddressState -eq 'Preferred' })
        [void](Wait-For 'task-iam-role offered' 60 { (Get-Status).taskRoleReady })
        'repaired'
    }
    Test-Fact 'the daemon takes the limits as the agent sends them' {
        $id = (& docker create --memory 500m --cpu-percent 4 --network nat $Image cmd /c exit 0).Trim()
        Assert-That ($LASTEXITCODE -eq 0) 'docker create failed'
        $limits = & docker inspect $id --format '{{.HostConfig.Memory}} {{.HostConfig.CpuPercent}} {{.HostConfig.NetworkMode}}'
        & docker rm $id | Out-Null
        Assert-That ($limits -eq '524288000 4 nat') $limits
        $limits
    }
    Test-Fact 'a stopped service leaves containers running and comes back' {
        $before = (& docker ps -q | Measure-Object).Count
        $took = Measure-Command { Stop-Service AmazonECS }
        Assert-That ((& docker ps -q | Measure-Object).Count -eq $before) 'containers ended'
        Start-Service AmazonECS
        [void](Wait-For 'CONNECTED' 60 { (Get-Status).state -eq 'CONNECTED' })
        'stopped in {0:n1} s' -f $took.TotalSeconds
    }
    Test-Fact 'a killed agent is started again by the manager' {
        $before = (Get-Status).pid
        Stop-Process -Id $before -Force
        $after = Wait-For 'a new process' 60 { $now = Get-Status; if ($now.pid -ne $before) { $now.pid } }
        "pid $before, then $after"
    }
    Test-Fact 'the task address comes back when HNS restarts' {
        Restart-Service hns -Force
        Start-Service Docker -ErrorAction SilentlyContinue
        Start-Service AmazonECS -ErrorAction SilentlyContinue
        [void](Wait-For "$TaskAddress preferred" 120 {
            (Get-NetIPAddress -IPAddress $TaskAddress -ErrorAction SilentlyContinue).AddressState -eq 'Preferred' })
        [void](Wait-For 'task-iam-role offered' 120 { (Get-Status).taskRoleReady })
        'repaired'
    }
}

$rows | Format-Table -AutoSize -Wrap
$failed = @($rows | Where-Object { $_.Result -ne 'pass' }).Count
Write-Output ("{0} passed, {1} failed" -f ($rows.Count - $failed), $failed)
exit $failed
