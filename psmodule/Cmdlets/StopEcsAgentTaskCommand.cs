using System.Linq;
using System.Management.Automation;
using EcsTools.Completers;
using EcsTools.Native;

namespace EcsTools.Cmdlets;

/// <summary>Stops tasks of the agent of this machine; Amazon ECS is told by the agent.</summary>
[Cmdlet(VerbsLifecycle.Stop, "ECSAgentTask", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(EcsAgentTask))]
public sealed class StopEcsAgentTaskCommand : EcsChangeCmdlet
{
    /// <summary>ARNs or ids; no wildcards: what is stopped is named.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("TaskId", "Arn")]
    [ArgumentCompleter(typeof(TaskArnCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] TaskArn { get; set; } = [];

    [Parameter]
    [ValidateRange(1, 3600)]
    public int TimeoutSec { get; set; } = 10;

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord()
    {
        foreach (string name in TaskArn)
        {
            try
            {
                EcsAgentTask? task = Change(name, "Stop task",
                    (NativeScope scope, uint whatIf, out AgentHandle op) => Start(scope, name, whatIf, out op),
                    list => AgentQueries.ToTasks(list).Single());
                if (task is not null && PassThru)
                {
                    WriteObject(task);
                }
            }
            catch (AgentException e) when (e.CodeName == "NOT_FOUND")
            {
                WriteAgentError(e, name); // one name that is no task must not end the pipeline
            }
            catch (AgentException e)
            {
                ThrowAgentError(e, name);
            }
        }
    }

    private int Start(NativeScope scope, string name, uint whatIf, out AgentHandle op)
    {
        var parameters = new NativeStopTaskParams
        {
            Size = Sizes.Of<NativeStopTaskParams>(),
            EnvCount = scope.EnvCount,
            Env = scope.Env,
            Task = scope.Text(name),
            TimeoutS = (uint)TimeoutSec,
            WhatIf = whatIf,
        };
        return NativeMethods.StopTaskStart(ref parameters, out op);
    }
}
