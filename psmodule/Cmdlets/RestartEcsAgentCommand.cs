using System.Management.Automation;
using EcsTools.Native;

namespace EcsTools.Cmdlets;

/// <summary>Stops and starts the agent; containers keep running.</summary>
[Cmdlet(VerbsLifecycle.Restart, "ECSAgent", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(EcsAgent))]
public sealed class RestartEcsAgentCommand : EcsServiceCmdlet
{
    private protected override NativeServiceAction Action => NativeServiceAction.Restart;
}
