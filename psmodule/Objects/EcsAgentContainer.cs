using System;
using EcsTools.Native;

namespace EcsTools;

/// <summary>A container of a task.</summary>
public sealed class EcsAgentContainer
{
    public string Name { get; private set; } = "";
    public string Image { get; private set; } = "";

    /// <summary>Null until the image is there.</summary>
    public string? ImageId { get; private set; }

    /// <summary>Null until created, as is DockerName.</summary>
    public string? DockerId { get; private set; }
    public string? DockerName { get; private set; }
    public string Status { get; private set; } = "";
    public string DesiredStatus { get; private set; } = "";

    /// <summary>HEALTHY, UNHEALTHY or UNKNOWN; null without a health check.</summary>
    public string? Health { get; private set; }
    public bool Essential { get; private set; }

    /// <summary>Null until the container has ended.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>Why it stopped or could not start.</summary>
    public string? Reason { get; private set; }

    /// <summary>How far the pull of its image is; null when there is nothing to tell.</summary>
    public string? Activity { get; private set; }

    /// <summary>CPU shares asked for.</summary>
    public long Cpu { get; private set; }

    /// <summary>Hard memory limit in MiB; null without one.</summary>
    public long? Memory { get; private set; }

    /// <summary>CPU in use, of the whole host; null before the first sample and once it has ended.</summary>
    public double? CpuPercent { get; private set; }

    /// <summary>Memory in use, in MiB; null likewise.</summary>
    public long? MemoryUsed { get; private set; }
    public DateTime? CreatedAt { get; private set; }
    public DateTime? StartedAt { get; private set; }
    public DateTime? FinishedAt { get; private set; }
    public EcsAgentPort[] Ports { get; private set; } = [];

    /// <summary>One column of a task's line: the image's name would leave no room for the rest.</summary>
    public override string ToString() =>
        Activity is null ? $"{Name}={Status}" : $"{Name}: {Activity.Replace(Image + ": ", "")}";

    internal static EcsAgentContainer From(NativeContainer container) => new()
    {
        Name = NativeReader.TextOrEmpty(container.Name),
        Image = NativeReader.TextOrEmpty(container.Image),
        ImageId = NativeReader.Text(container.ImageId),
        DockerId = NativeReader.Text(container.DockerId),
        DockerName = NativeReader.Text(container.DockerName),
        Status = NativeReader.TextOrEmpty(container.KnownStatus),
        DesiredStatus = NativeReader.TextOrEmpty(container.DesiredStatus),
        Health = NativeReader.Text(container.Health),
        Essential = container.Essential != 0,
        ExitCode = container.HasExitCode != 0 ? container.ExitCode : null,
        Reason = NativeReader.Text(container.Reason),
        Activity = NativeReader.Text(container.Activity),
        Cpu = container.Cpu,
        Memory = container.MemoryMib == 0 ? null : container.MemoryMib,
        CpuPercent = container.HasCpuPercent != 0 ? container.CpuPercent : null,
        MemoryUsed = container.HasMemoryUsed != 0 ? container.MemoryUsedMib : null,
        CreatedAt = NativeReader.Time(container.CreatedMs),
        StartedAt = NativeReader.Time(container.StartedMs),
        FinishedAt = NativeReader.Time(container.FinishedMs),
        Ports = NativeReader.List<NativePort, EcsAgentPort>(container.Ports, EcsAgentPort.From).ToArray(),
    };
}
