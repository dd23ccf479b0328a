@{
    RootModule = 'psmodule/bin/ECSTools.dll'
    ModuleVersion = '0.1.0'
    GUID = '4eb983ce-6243-48ea-a533-b4d9b79a57c2'
    Author = 'ECSTools contributors'
    Description = 'Runs this machine as an Amazon ECS container instance.'
    PowerShellVersion = '5.1'
    CompatiblePSEditions = @('Desktop', 'Core')
    FunctionsToExport = @()
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
}
