using System.Management.Automation;
using EcsTools.Native;

namespace EcsTools.Cmdlets;

/// <summary>The agent's state, also when it is not running or not even installed.</summary>
[Cmdlet(VerbsCommon.Get, "ECSAgent")]
[OutputType(typeof(EcsAgent))]
public sealed class GetEcsAgentCommand : EcsCmdlet
{
    [Parameter]
    [ValidateRange(1, 3600)]
    public int TimeoutSec { get; set; } = 10;

    protected override void ProcessRecord()
    {
        try
        {
            WriteObject(Run((NativeScope scope, out AgentHandle op) =>
                AgentQueries.Status(scope, TimeoutSec, out op), OneAgent));
        }
        catch (AgentException e)
        {
            ThrowAgentError(e, null);
        }
    }
}
