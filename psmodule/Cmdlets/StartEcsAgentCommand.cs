using System.Management.Automation;
using EcsTools.Native;

namespace EcsTools.Cmdlets;

/// <summary>Starts the agent; the registration is not waited for.</summary>
[Cmdlet(VerbsLifecycle.Start, "ECSAgent", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(EcsAgent))]
public sealed class StartEcsAgentCommand : EcsServiceCmdlet
{
    private protected override NativeServiceAction Action => NativeServiceAction.Start;
}
