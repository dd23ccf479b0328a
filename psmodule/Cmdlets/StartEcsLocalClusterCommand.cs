using System.Management.Automation;
using EcsTools.Native;

namespace EcsTools.Cmdlets;

/// <summary>Starts the local control plane and points this process to it.</summary>
[Cmdlet(VerbsLifecycle.Start, "ECSLocalCluster", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Low)]
[OutputType(typeof(EcsLocalCluster))]
public sealed class StartEcsLocalClusterCommand : EcsLocalCmdlet
{
    [Parameter]
    [ValidateRange(1, 65535)]
    public int Port { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? DataDirectory { get; set; }

    [Parameter]
    [ValidatePattern("^https?://[^/]+/?$")]
    public string? Registry { get; set; }

    [Parameter]
    [ValidateRange(1, 3600)]
    public int TimeoutSec { get; set; } = 30;

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord()
    {
        string? directory = DataDirectory is null ? null : GetUnresolvedProviderPathFromPSPath(DataDirectory);
        try
        {
            EcsLocalCluster? local = StartLocalCluster(Port, directory, TimeoutSec, Registry);
            if (local is not null && PassThru)
            {
                WriteObject(local);
            }
        }
        catch (AgentException e)
        {
            ThrowAgentError(e, directory);
        }
    }
}
