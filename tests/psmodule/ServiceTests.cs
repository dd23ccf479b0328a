using System.Management.Automation;
using Xunit;

namespace EcsTools.Tests;

/// <summary>Start-, Stop- and Restart-ECSAgent: one base class, so one file.</summary>
public sealed class ServiceTests
{
    [Theory]
    [InlineData("Start-ECSAgent", "action=1")]
    [InlineData("Stop-ECSAgent", "action=2")]
    [InlineData("Restart-ECSAgent", "action=3")]
    public void Each_cmdlet_asks_for_its_own_action(string cmdlet, string seen)
    {
        using var session = new Session();
        Outcome outcome = session.Run($"{cmdlet} -TimeoutSec 7 -Verbose").MustWork();

        Assert.Equal($"service {seen} timeout=7 what_if=0", outcome.Call("service"));
        Assert.Empty(outcome.Output);
    }

    [Theory]
    [InlineData("Start-ECSAgent", "Waiting")]
    [InlineData("Stop-ECSAgent", "Stopped")]
    [InlineData("Restart-ECSAgent", "Waiting")]
    public void PassThru_emits_the_state_afterwards(string cmdlet, string state)
    {
        using var session = new Session();

        Assert.Equal(state, session.Run($"{cmdlet} -PassThru").One().Get("State")!.ToString());
    }

    [Theory]
    [InlineData("Start-ECSAgent")]
    [InlineData("Stop-ECSAgent")]
    [InlineData("Restart-ECSAgent")]
    public void WhatIf_only_asks_for_the_plan(string cmdlet)
    {
        using var session = new Session();
        Outcome outcome = session.Run($"{cmdlet} -WhatIf -Verbose -PassThru").MustWork();

        Assert.Contains("what_if=1", outcome.Call("service"));
        Assert.Empty(outcome.Output);
        Assert.Equal(3, session.Host.Lines.Count(line => line.StartsWith("What if: ", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("Start-ECSAgent", "StartEcsAgentCommand")]
    [InlineData("Stop-ECSAgent", "StopEcsAgentCommand")]
    [InlineData("Restart-ECSAgent", "RestartEcsAgentCommand")]
    public void A_failure_is_terminating_and_names_the_service(string cmdlet, string type)
    {
        using var session = new Session("timeout");
        ErrorRecord error = session.Run(cmdlet).Terminating!;

        Assert.Equal($"ECSTimeout,EcsTools.Cmdlets.{type}", error.FullyQualifiedErrorId);
        Assert.Equal("AmazonECS", error.TargetObject);
    }
}
