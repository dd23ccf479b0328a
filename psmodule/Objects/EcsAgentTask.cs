using System;
using System.Linq;
using EcsTools.Native;

namespace EcsTools;

/// <summary>A task that the agent of this machine holds.</summary>
public sealed class EcsAgentTask
{
    public string TaskArn { get; private set; } = "";

    /// <summary>Last part of the ARN.</summary>
    public string TaskId { get; private set; } = "";
    public string Family { get; private set; } = "";
    public string Revision { get; private set; } = "";

    /// <summary>Status as Amazon ECS names it: PENDING, RUNNING, STOPPED ...</summary>
    public string Status { get; private set; } = "";
    public string DesiredStatus { get; private set; } = "";

    /// <summary>Null for the engine's default.</summary>
    public string? NetworkMode { get; private set; }

    /// <summary>Role of the task; null without one.</summary>
    public string? RoleArn { get; private set; }
    public string? StoppedReason { get; private set; }

    /// <summary>When the agent accepted the task.</summary>
    public DateTime? CreatedAt { get; private set; }
    public DateTime? PullStartedAt { get; private set; }
    public DateTime? PullStoppedAt { get; private set; }
    public DateTime? StartedAt { get; private set; }
    public DateTime? StoppedAt { get; private set; }

    /// <summary>In the order of the task definition.</summary>
    public EcsAgentContainer[] Containers { get; private set; } = [];

    /// <summary>CPU in use by its containers, of the whole host; null while no container has a sample.</summary>
    public double? CpuPercent => Containers.Any(container => container.CpuPercent is not null)
        ? Containers.Sum(container => container.CpuPercent ?? 0)
        : null;

    /// <summary>Memory in use by its containers, in MiB; null likewise.</summary>
    public long? MemoryUsed => Containers.Any(container => container.MemoryUsed is not null)
        ? Containers.Sum(container => container.MemoryUsed ?? 0)
        : null;

    public override string ToString() => TaskArn;

    internal static EcsAgentTask From(NativeTask task) => new()
    {
        TaskArn = NativeReader.TextOrEmpty(task.Arn),
        TaskId = NativeReader.TextOrEmpty(task.Id),
        Family = NativeReader.TextOrEmpty(task.Family),
        Revision = NativeReader.TextOrEmpty(task.Revision),
        Status = NativeReader.TextOrEmpty(task.KnownStatus),
        DesiredStatus = NativeReader.TextOrEmpty(task.DesiredStatus),
        NetworkMode = NativeReader.Text(task.NetworkMode),
        RoleArn = NativeReader.Text(task.RoleArn),
        StoppedReason = NativeReader.Text(task.StoppedReason),
        CreatedAt = NativeReader.Time(task.CreatedMs),
        PullStartedAt = NativeReader.Time(task.PullStartedMs),
        PullStoppedAt = NativeReader.Time(task.PullStoppedMs),
        StartedAt = NativeReader.Time(task.StartedMs),
        StoppedAt = NativeReader.Time(task.StoppedMs),
        Containers = NativeReader
            .List<NativeContainer, EcsAgentContainer>(task.Containers, EcsAgentContainer.From).ToArray(),
    };
}
