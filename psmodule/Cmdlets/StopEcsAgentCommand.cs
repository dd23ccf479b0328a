using System.Management.Automation;
using EcsTools.Native;

namespace EcsTools.Cmdlets;

/// <summary>Stops the agent; containers keep running.</summary>
[Cmdlet(VerbsLifecycle.Stop, "ECSAgent", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(EcsAgent))]
public sealed class StopEcsAgentCommand : EcsServiceCmdlet
{
    private protected override NativeServiceAction Action => NativeServiceAction.Stop;
}
