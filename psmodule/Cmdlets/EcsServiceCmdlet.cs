using System.Management.Automation;
using EcsTools.Native;

namespace EcsTools.Cmdlets;

/// <summary>Start, stop and restart differ in a word.</summary>
public abstract class EcsServiceCmdlet : EcsChangeCmdlet
{
    private const string Service = "AmazonECS";

    [Parameter]
    [ValidateRange(1, 3600)]
    public int TimeoutSec { get; set; } = 60;

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected abstract NativeServiceAction Action { get; }

    protected override void ProcessRecord()
    {
        try
        {
            EcsAgent? agent = Change(Service, Action + " service", Start, OneAgent);
            if (agent is not null && PassThru)
            {
                WriteObject(agent);
            }
        }
        catch (AgentException e)
        {
            ThrowAgentError(e, Service);
        }
    }

    private int Start(NativeScope scope, uint whatIf, out AgentHandle op)
    {
        var parameters = new NativeServiceParams
        {
            Size = Sizes.Of<NativeServiceParams>(),
            EnvCount = scope.EnvCount,
            Env = scope.Env,
            Action = Action,
            TimeoutS = (uint)TimeoutSec,
            WhatIf = whatIf,
        };
        return NativeMethods.ServiceStart(ref parameters, out op);
    }
}
