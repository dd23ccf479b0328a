using System;
using EcsTools.Native;

namespace EcsTools;

/// <summary>Something the agent waits for.</summary>
public sealed class EcsAgentWait
{
    /// <summary>Stable short name: docker, register, acs ...</summary>
    public string Name { get; private set; } = "";

    /// <summary>The same as a sentence.</summary>
    public string What { get; private set; } = "";
    public DateTime? Since { get; private set; }
    public int Attempts { get; private set; }

    /// <summary>Why the last try failed; null before the first answer.</summary>
    public string? LastError { get; private set; }

    /// <summary>When the next try comes; null when an event will wake the agent.</summary>
    public DateTime? NextTry { get; private set; }

    public override string ToString() => LastError is null ? What : $"{What}: {LastError}";

    internal static EcsAgentWait From(NativeWait wait) => new()
    {
        Name = NativeReader.TextOrEmpty(wait.Name),
        What = NativeReader.TextOrEmpty(wait.What),
        Since = NativeReader.Time(wait.SinceMs),
        Attempts = (int)wait.Attempts,
        LastError = NativeReader.Text(wait.LastError),
        NextTry = NativeReader.Time(wait.NextTryMs),
    };
}
