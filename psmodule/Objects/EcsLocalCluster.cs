using System.Collections.Generic;
using System.Linq;
using EcsTools.Native;

namespace EcsTools;

/// <summary>The local control plane of this machine.</summary>
public sealed class EcsLocalCluster
{
    /// <summary>For `aws --endpoint-url` and ECS_BACKEND_HOST.</summary>
    public string? Endpoint { get; private set; }

    /// <summary>Instance metadata, for AWS_EC2_METADATA_SERVICE_ENDPOINT.</summary>
    public string? MetadataEndpoint { get; private set; }
    public string? Region { get; private set; }
    public int Port { get; private set; }

    /// <summary>Process id; null when it does not run.</summary>
    public int? ProcessId { get; private set; }

    /// <summary>It ran before this call.</summary>
    public bool AlreadyRunning { get; private set; }
    public string? DataDirectory { get; private set; }
    public string? LogFile { get; private set; }

    /// <summary>Environment variables that Start-ECSLocalCluster sets in its process.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; private set; } = new Dictionary<string, string>();

    /// <summary>What another shell needs to run `aws` against it.</summary>
    public string[] ShellLines { get; private set; } = [];

    public override string ToString() => Endpoint ?? "";

    internal static EcsLocalCluster From(NativeLocal local) => new()
    {
        Endpoint = NativeReader.Text(local.Endpoint),
        MetadataEndpoint = NativeReader.Text(local.ImdsEndpoint),
        Region = NativeReader.Text(local.Region),
        Port = (int)local.Port,
        ProcessId = local.Pid == 0 ? null : local.Pid,
        AlreadyRunning = local.AlreadyRunning != 0,
        DataDirectory = NativeReader.Text(local.DataDir),
        LogFile = NativeReader.Text(local.LogFile),
        Variables = NativeReader
            .List<NativeVariable, KeyValuePair<string, string>>(local.Variables, Variable)
            .ToDictionary(pair => pair.Key, pair => pair.Value),
        ShellLines = NativeReader
            .List<NativeLine, string>(local.Lines, line => NativeReader.TextOrEmpty(line.Text)).ToArray(),
    };

    private static KeyValuePair<string, string> Variable(NativeVariable variable) =>
        new(NativeReader.TextOrEmpty(variable.Name), NativeReader.TextOrEmpty(variable.Value));
}
