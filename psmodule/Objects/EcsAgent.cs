using System;
using EcsTools.Native;

namespace EcsTools;

/// <summary>The agent of this machine, as Get-ECSAgent sees it.</summary>
public sealed class EcsAgent
{
    public EcsAgentState State { get; private set; }
    public string? Cluster { get; private set; }
    public string? ContainerInstanceArn { get; private set; }

    /// <summary>Product version.</summary>
    public string? Version { get; private set; }

    /// <summary>Compatibility level told to Amazon ECS as agentVersion.</summary>
    public string? WireVersion { get; private set; }
    public string? DockerVersion { get; private set; }
    public string? DockerApiVersion { get; private set; }
    public string? Ec2InstanceId { get; private set; }
    public string? Region { get; private set; }

    /// <summary>Base address of the ECS API in use.</summary>
    public string? Endpoint { get; private set; }

    /// <summary>Process id; null when no process runs.</summary>
    public int? ProcessId { get; private set; }
    public DateTime? StartTime { get; private set; }
    public TimeSpan? Uptime { get; private set; }

    /// <summary>Since when the connection to Amazon ECS stands; null when it does not.</summary>
    public DateTime? ConnectedSince { get; private set; }

    /// <summary>When the last metrics were accepted; null: none since the agent started.</summary>
    public DateTime? LastMetrics { get; private set; }

    /// <summary>Why no metrics are accepted; null when they are.</summary>
    public string? MetricsReason { get; private set; }

    /// <summary>The path of task role credentials has been proven on this machine.</summary>
    public bool TaskRoleReady { get; private set; }
    public int TasksPending { get; private set; }
    public int TasksRunning { get; private set; }

    /// <summary>Stopped tasks whose containers have not been cleaned up yet.</summary>
    public int TasksStopped { get; private set; }
    public string? DataDirectory { get; private set; }
    public string? LogFile { get; private set; }

    /// <summary>What the agent waits for; empty when all is well.</summary>
    public EcsAgentWait[] Waits { get; private set; } = [];
    public EcsAgentCapability[] Capabilities { get; private set; } = [];

    public override string ToString() => Cluster is null ? State.ToString() : $"{State} ({Cluster})";

    internal static EcsAgent From(NativeStatus status) => new()
    {
        State = (EcsAgentState)status.State,
        Cluster = NativeReader.Text(status.Cluster),
        ContainerInstanceArn = NativeReader.Text(status.ContainerInstanceArn),
        Version = NativeReader.Text(status.Version),
        WireVersion = NativeReader.Text(status.WireVersion),
        DockerVersion = NativeReader.Text(status.DockerVersion),
        DockerApiVersion = NativeReader.Text(status.DockerApiVersion),
        Ec2InstanceId = NativeReader.Text(status.Ec2InstanceId),
        Region = NativeReader.Text(status.Region),
        Endpoint = NativeReader.Text(status.Endpoint),
        ProcessId = status.Pid == 0 ? null : status.Pid,
        StartTime = NativeReader.Time(status.StartedMs),
        Uptime = status.Pid == 0 ? null : TimeSpan.FromSeconds(status.UptimeS),
        ConnectedSince = NativeReader.Time(status.AcsConnectedMs),
        LastMetrics = NativeReader.Time(status.LastMetricsMs),
        MetricsReason = NativeReader.Text(status.MetricsReason),
        TaskRoleReady = status.TaskRoleReady != 0,
        TasksPending = (int)status.TasksPending,
        TasksRunning = (int)status.TasksRunning,
        TasksStopped = (int)status.TasksStopped,
        DataDirectory = NativeReader.Text(status.DataDir),
        LogFile = NativeReader.Text(status.LogFile),
        Waits = NativeReader.List<NativeWait, EcsAgentWait>(status.Waits, EcsAgentWait.From).ToArray(),
        Capabilities = NativeReader
            .List<NativeCapability, EcsAgentCapability>(status.Capabilities, EcsAgentCapability.From).ToArray(),
    };
}
