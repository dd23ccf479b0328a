using System.Collections.Generic;

namespace EcsTools.Native;

/// <summary>The questions to a running agent, for cmdlets and completers.</summary>
internal static class AgentQueries
{
    internal static int Status(NativeScope scope, int timeoutSec, out AgentHandle op)
    {
        var parameters = new NativeStatusParams
        {
            Size = Sizes.Of<NativeStatusParams>(),
            EnvCount = scope.EnvCount,
            Env = scope.Env,
            TimeoutS = (uint)timeoutSec,
        };
        return NativeMethods.StatusStart(ref parameters, out op);
    }

    internal static int Tasks(NativeScope scope, int timeoutSec, out AgentHandle op)
    {
        var parameters = new NativeTasksParams
        {
            Size = Sizes.Of<NativeTasksParams>(),
            EnvCount = scope.EnvCount,
            Env = scope.Env,
            TimeoutS = (uint)timeoutSec,
        };
        return NativeMethods.TasksStart(ref parameters, out op);
    }

    internal static List<EcsAgentTask> ToTasks(NativeList list) =>
        NativeReader.List<NativeTask, EcsAgentTask>(list, EcsAgentTask.From);
}
