using System.Management.Automation;
using EcsTools.Native;

namespace EcsTools.Cmdlets;

/// <summary>Stops the local control plane and takes its variables out of this process.</summary>
[Cmdlet(VerbsLifecycle.Stop, "ECSLocalCluster", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Low)]
public sealed class StopEcsLocalClusterCommand : EcsLocalCmdlet
{
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? DataDirectory { get; set; }

    [Parameter]
    public SwitchParameter RemoveData { get; set; }

    [Parameter]
    [ValidateRange(1, 3600)]
    public int TimeoutSec { get; set; } = 30;

    protected override void ProcessRecord()
    {
        string? directory = DataDirectory is null ? null : GetUnresolvedProviderPathFromPSPath(DataDirectory);
        try
        {
            StopLocalCluster(directory, RemoveData, TimeoutSec);
        }
        catch (AgentException e)
        {
            ThrowAgentError(e, directory);
        }
    }
}
