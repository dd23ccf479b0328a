using System.Management.Automation;
using EcsTools.Native;

namespace EcsTools.Cmdlets;

/// <summary>
/// Joins this machine to a cluster and returns once it has: registered, connected and every
/// capability asked for proven.
/// </summary>
[Cmdlet(VerbsData.Initialize, "ECSAgent", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(EcsAgent))]
public sealed class InitializeEcsAgentCommand : EcsLocalCmdlet
{
    private const int DefaultTimeoutSec = 600;

    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    public string? Cluster { get; set; }

    [Parameter]
    [Alias("EnableIAMTaskRole")]
    public SwitchParameter EnableTaskIAMRole { get; set; }

    /// <summary>JSON array of driver names.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? LoggingDrivers { get; set; }

    [Parameter]
    public SwitchParameter Local { get; set; }

    [Parameter]
    [ValidateRange(1, 86400)]
    public int TimeoutSec { get; set; } = DefaultTimeoutSec;

    [Parameter]
    public SwitchParameter Force { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord()
    {
        string target = Cluster ?? "the configured cluster";
        try
        {
            if (Local)
            {
                StartLocalCluster(port: 0, dataDirectory: null, timeoutSec: 0);
            }
            EcsAgent? agent = Change(target, "Join this machine to the Amazon ECS cluster", Start, OneAgent);
            SetLastExitCode(0);
            if (agent is not null && PassThru)
            {
                WriteObject(agent);
            }
        }
        catch (AgentException e)
        {
            SetLastExitCode(e.ExitCode);
            ThrowAgentError(e, target);
        }
    }

    private int Start(NativeScope scope, uint whatIf, out AgentHandle op)
    {
        var parameters = new NativeInitializeParams
        {
            Size = Sizes.Of<NativeInitializeParams>(),
            EnvCount = scope.EnvCount,
            Env = scope.Env,
            ProgramDir = scope.Text(AgentLibrary.Folder),
            Cluster = scope.Text(Cluster),
            LoggingDrivers = scope.Text(LoggingDrivers),
            EnableTaskIamRole = EnableTaskIAMRole.IsPresent ? NativeSwitch.On
                : MyInvocation.BoundParameters.ContainsKey(nameof(EnableTaskIAMRole)) ? NativeSwitch.Off
                : NativeSwitch.Keep,
            TimeoutS = (uint)TimeoutSec,
            WhatIf = whatIf,
            Force = Force ? 1u : 0u,
        };
        return NativeMethods.InitializeStart(ref parameters, out op);
    }

    /// <summary>For a script's `exit $LASTEXITCODE`; the cmdlet itself never ends the host.</summary>
    private void SetLastExitCode(int code) => SessionState.PSVariable.Set("global:LASTEXITCODE", code);
}
