using EcsTools.Native;

namespace EcsTools;

/// <summary>A capability attribute that the agent offers to Amazon ECS or holds back.</summary>
public sealed class EcsAgentCapability
{
    public string Name { get; private set; } = "";
    public bool Offered { get; private set; }

    /// <summary>Why it is held back; null when it is offered.</summary>
    public string? Reason { get; private set; }

    public override string ToString() => Name;

    internal static EcsAgentCapability From(NativeCapability capability) => new()
    {
        Name = NativeReader.TextOrEmpty(capability.Name),
        Offered = capability.Offered != 0,
        Reason = NativeReader.Text(capability.Reason),
    };
}
