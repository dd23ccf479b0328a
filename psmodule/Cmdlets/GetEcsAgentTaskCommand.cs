using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using EcsTools.Completers;
using EcsTools.Native;

namespace EcsTools.Cmdlets;

/// <summary>The tasks that the agent of this machine holds, one object each.</summary>
[Cmdlet(VerbsCommon.Get, "ECSAgentTask")]
[OutputType(typeof(EcsAgentTask))]
public sealed class GetEcsAgentTaskCommand : EcsCmdlet
{
    /// <summary>ARNs or ids; wildcards allowed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("TaskId", "Arn")]
    [ArgumentCompleter(typeof(TaskArnCompleter))]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] TaskArn { get; set; } = ["*"];

    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] Family { get; set; } = ["*"];

    /// <summary>Status as Amazon ECS names it; wildcards allowed.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] Status { get; set; } = ["*"];

    [Parameter]
    [ValidateRange(1, 3600)]
    public int TimeoutSec { get; set; } = 10;

    private List<EcsAgentTask>? tasks; // asked for once, whatever comes down the pipeline

    protected override void ProcessRecord()
    {
        try
        {
            tasks ??= Run((NativeScope scope, out AgentHandle op) =>
                AgentQueries.Tasks(scope, TimeoutSec, out op), AgentQueries.ToTasks);
        }
        catch (AgentException e)
        {
            ThrowAgentError(e, null);
            return;
        }
        foreach (string name in TaskArn)
        {
            WriteTasks(name, tasks);
        }
    }

    private void WriteTasks(string name, List<EcsAgentTask> all)
    {
        List<EcsAgentTask> named = all.Where(task => Like(name, task.TaskArn) || Like(name, task.TaskId)).ToList();

        if (named.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
        {
            WriteAgentError(new AgentException("NOT_FOUND", ErrorCategory.ObjectNotFound,
                $"the agent holds no task {name}", "Get-ECSAgentTask without a name lists all it holds.",
                retryable: false, exitCode: 1), name);
        }
        foreach (EcsAgentTask task in named)
        {
            if (Family.Any(family => Like(family, task.Family)) && Status.Any(status => Like(status, task.Status)))
            {
                WriteObject(task);
            }
        }
    }

    private static bool Like(string pattern, string value) =>
        WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase).IsMatch(value);
}
