using EcsTools.Native;

namespace EcsTools;

/// <summary>A port of a container and where the host listens for it.</summary>
public sealed class EcsAgentPort
{
    public int ContainerPort { get; private set; }

    /// <summary>0 until the engine has chosen one.</summary>
    public int HostPort { get; private set; }
    public string Protocol { get; private set; } = "";

    /// <summary>Address of the host; null before the container runs.</summary>
    public string? BindIP { get; private set; }

    /// <summary>The address only where it tells two bindings of one port apart.</summary>
    public override string ToString() =>
        (BindIP is null or "0.0.0.0" ? "" : BindIP.Contains(":") ? $"[{BindIP}]:" : $"{BindIP}:") +
        $"{HostPort}->{ContainerPort}/{Protocol}";

    internal static EcsAgentPort From(NativePort port) => new()
    {
        ContainerPort = (int)port.ContainerPort,
        HostPort = (int)port.HostPort,
        Protocol = NativeReader.TextOrEmpty(port.Protocol),
        BindIP = NativeReader.Text(port.BindIp),
    };
}
