using System;
using System.Collections.Generic;
using System.Linq;
using EcsTools.Native;

namespace EcsTools.Cmdlets;

/// <summary>
/// Starting and stopping the local control plane, together with the environment variables that
/// point this process, and what it starts, to it.
/// </summary>
public abstract class EcsLocalCmdlet : EcsChangeCmdlet
{
    private const string What = "local Amazon ECS control plane";

    /// <param name="port">0 for the default.</param>
    /// <param name="dataDirectory">null for the default.</param>
    /// <param name="timeoutSec">0 for the default.</param>
    /// <param name="registry">null for none.</param>
    /// <returns>null after -WhatIf and after a No.</returns>
    private protected EcsLocalCluster? StartLocalCluster(int port, string? dataDirectory, int timeoutSec,
                                                        string? registry = null)
    {
        EcsLocalCluster? local = Change(What, "Start", (NativeScope scope, uint whatIf, out AgentHandle op) =>
        {
            var parameters = new NativeLocalUpParams
            {
                Size = Sizes.Of<NativeLocalUpParams>(),
                EnvCount = scope.EnvCount,
                Env = scope.Env,
                ProgramDir = scope.Text(AgentLibrary.Folder),
                DataDir = scope.Text(dataDirectory),
                Port = (uint)port,
                TimeoutS = (uint)timeoutSec,
                WhatIf = whatIf,
                Registry = scope.Text(registry),
            };
            return NativeMethods.LocalUpStart(ref parameters, out op);
        }, OneCluster);

        if (local is not null)
        {
            SetVariables(local);
        }
        return local;
    }

    private protected void StopLocalCluster(string? dataDirectory, bool removeData, int timeoutSec)
    {
        EcsLocalCluster? local = Change(What, removeData ? "Stop and forget all its data" : "Stop",
            (NativeScope scope, uint whatIf, out AgentHandle op) =>
        {
            var parameters = new NativeLocalDownParams
            {
                Size = Sizes.Of<NativeLocalDownParams>(),
                EnvCount = scope.EnvCount,
                Env = scope.Env,
                DataDir = scope.Text(dataDirectory),
                RemoveData = removeData ? 1u : 0u,
                TimeoutS = (uint)timeoutSec,
                WhatIf = whatIf,
            };
            return NativeMethods.LocalDownStart(ref parameters, out op);
        }, OneCluster);

        if (local is not null)
        {
            UnsetVariables(local);
        }
    }

    private static EcsLocalCluster OneCluster(NativeList list) =>
        NativeReader.List<NativeLocal, EcsLocalCluster>(list, EcsLocalCluster.From).Single();

    private void SetVariables(EcsLocalCluster local)
    {
        Say(local.AlreadyRunning
            ? $"The local control plane already runs at {local.Endpoint}."
            : $"The local control plane runs at {local.Endpoint}.");
        foreach (KeyValuePair<string, string> variable in local.Variables)
        {
            Environment.SetEnvironmentVariable(variable.Key, variable.Value);
        }
        if (local.Variables.Count > 0)
        {
            Say("Set in this process: " +
                string.Join(", ", local.Variables.Select(variable => $"{variable.Key}={variable.Value}")));
        }
        if (local.ShellLines.Length > 0)
        {
            Say("To use it with aws:");
            foreach (string line in local.ShellLines)
            {
                Say("  " + line);
            }
        }
    }

    /// <summary>Only what still points to the cluster that is gone.</summary>
    private void UnsetVariables(EcsLocalCluster local)
    {
        string[] ours = local.Variables
            .Where(variable => Environment.GetEnvironmentVariable(variable.Key) == variable.Value)
            .Select(variable => variable.Key).ToArray();

        foreach (string name in ours)
        {
            Environment.SetEnvironmentVariable(name, null);
        }
        Say(local.ProcessId is null ? "No local control plane was running." : "The local control plane has stopped.");
        if (ours.Length > 0)
        {
            Say("Removed from this process: " + string.Join(", ", ours));
        }
    }
}
