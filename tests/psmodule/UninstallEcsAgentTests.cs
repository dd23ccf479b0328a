using Xunit;

namespace EcsTools.Tests;

public sealed class UninstallEcsAgentTests
{
    [Fact]
    public void It_asks_even_without_Confirm()
    {
        using var session = new Session();
        session.Host.Answer = "No";

        Assert.False(session.Run("Uninstall-ECSAgent -Verbose").MustWork().Called("uninstall"));
        Assert.Equal(1, session.Host.Questions);
    }

    [Theory]
    [InlineData("", "keep_data=0 timeout=60")]
    [InlineData("-KeepData -TimeoutSec 9", "keep_data=1 timeout=9")]
    public void Its_parameters_reach_the_library(string parameters, string seen)
    {
        using var session = new Session();
        Outcome outcome = session.Run($"Uninstall-ECSAgent {parameters} -Confirm:$false -Verbose").MustWork();

        Assert.Equal($"uninstall {seen} what_if=0", outcome.Call("uninstall"));
        Assert.Empty(outcome.Output);
        Assert.Equal(0, session.Host.Questions);
    }

    [Fact]
    public void WhatIf_asks_no_question_and_removes_nothing()
    {
        using var session = new Session();

        Assert.Contains("what_if=1", session.Run("Uninstall-ECSAgent -WhatIf -Verbose").MustWork().Call("uninstall"));
        Assert.Equal(0, session.Host.Questions);
    }

    [Fact]
    public void A_failure_is_terminating()
    {
        using var session = new Session("conflict");

        Assert.StartsWith("ECSConflict,", session.Run("Uninstall-ECSAgent -Confirm:$false").Terminating!.FullyQualifiedErrorId);
    }
}
