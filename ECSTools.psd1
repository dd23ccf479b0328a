@{
    RootModule = 'psmodule/bin/ECSTools.dll'
    ModuleVersion = '0.1.0'
    GUID = '4eb983ce-6243-48ea-a533-b4d9b79a57c2'
    Author = 'ECSTools contributors'
    Copyright = 'Apache License 2.0'
    Description = 'Runs this machine as an Amazon ECS container instance.'
    PowerShellVersion = '5.1'
    DotNetFrameworkVersion = '4.6.2'
    CompatiblePSEditions = @('Desktop', 'Core')
    TypesToProcess = @('psmodule/ECSTools.Types.ps1xml')
    FormatsToProcess = @('psmodule/ECSTools.Format.ps1xml')
    FunctionsToExport = @()
    CmdletsToExport = @(
        'Get-ECSAgent'
        'Get-ECSAgentTask'
        'Initialize-ECSAgent'
        'Restart-ECSAgent'
        'Start-ECSAgent'
        'Start-ECSLocalCluster'
        'Stop-ECSAgent'
        'Stop-ECSAgentTask'
        'Stop-ECSLocalCluster'
        'Uninstall-ECSAgent'
    )
    VariablesToExport = @()
    AliasesToExport = @()
}
