using System.Management.Automation;
using EcsTools.Native;

namespace EcsTools.Cmdlets;

/// <summary>Removes the service and what Initialize-ECSAgent has set up; containers keep running.</summary>
[Cmdlet(VerbsLifecycle.Uninstall, "ECSAgent", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
public sealed class UninstallEcsAgentCommand : EcsChangeCmdlet
{
    private const string Service = "AmazonECS";

    [Parameter]
    public SwitchParameter KeepData { get; set; }

    [Parameter]
    [ValidateRange(1, 3600)]
    public int TimeoutSec { get; set; } = 60;

    protected override void ProcessRecord()
    {
        string action = KeepData ? "Uninstall the Amazon ECS agent" : "Uninstall the Amazon ECS agent and its data";
        try
        {
            Change(Service, action, Start, list => list.Type.ToString());
        }
        catch (AgentException e)
        {
            ThrowAgentError(e, Service);
        }
    }

    private int Start(NativeScope scope, uint whatIf, out AgentHandle op)
    {
        var parameters = new NativeUninstallParams
        {
            Size = Sizes.Of<NativeUninstallParams>(),
            EnvCount = scope.EnvCount,
            Env = scope.Env,
            KeepData = KeepData ? 1u : 0u,
            TimeoutS = (uint)TimeoutSec,
            WhatIf = whatIf,
        };
        return NativeMethods.UninstallStart(ref parameters, out op);
    }
}
