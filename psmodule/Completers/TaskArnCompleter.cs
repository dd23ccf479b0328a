using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Language;
using EcsTools.Native;

namespace EcsTools.Completers;

/// <summary>Completes a task's ARN from the tasks that the running agent holds, by ARN or by id.</summary>
public sealed class TaskArnCompleter : IArgumentCompleter
{
    private const int TimeoutSec = 2; // somebody waits at the prompt

    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName,
                                                          string wordToComplete, CommandAst commandAst,
                                                          IDictionary fakeBoundParameters)
    {
        WildcardPattern pattern = WildcardPattern.Get(wordToComplete.Trim('\'', '"') + "*", WildcardOptions.IgnoreCase);

        return Tasks()
            .Where(task => pattern.IsMatch(task.TaskArn) || pattern.IsMatch(task.TaskId))
            .Select(task => new CompletionResult(task.TaskArn, task.TaskId, CompletionResultType.ParameterValue,
                                                 $"{task.Family}:{task.Revision} {task.Status}"));
    }

    private static List<EcsAgentTask> Tasks()
    {
        try
        {
            using AgentOperation operation = AgentOperation.Start((NativeScope scope, out AgentHandle op) =>
                AgentQueries.Tasks(scope, TimeoutSec, out op));
            return operation.Finish(new Silence(), AgentQueries.ToTasks);
        }
        catch (AgentException)
        {
            return []; // no agent, nothing to offer: a completer has no way to complain
        }
    }

    private sealed class Silence : IOperationSink
    {
        public void Progress(string activity, string step, int percent, int secondsLeft) { }
        public void Verbose(string text) { }
        public void Warning(string text) { }
        public void Idle() { }
    }
}
