# Removes the service with its state, and the local control plane with its.
$ErrorActionPreference = 'Stop'
Import-Module ./ECSTools.psd1
$tasks = try { Get-ECSAgentTask } catch { } # without an agent that is a terminating error
foreach ($task in @($tasks)) {
    foreach ($container in $task.Containers) {
        if ($container.DockerId) { docker rm -f $container.DockerId *> $null }
    }
}
Uninstall-ECSAgent -Confirm:$false
Stop-ECSLocalCluster -RemoveData -Confirm:$false
