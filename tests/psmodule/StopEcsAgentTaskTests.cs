using System.Management.Automation;
using Xunit;

namespace EcsTools.Tests;

public sealed class StopEcsAgentTaskTests
{
    private const string WebArn = "arn:aws:ecs:us-west-2:123456789012:task/MyCluster/11111111111111111111111111111111";

    [Fact]
    public void It_asks_even_without_Confirm_and_a_No_stops_nothing()
    {
        using var session = new Session();
        session.Host.Answer = "No";

        Assert.False(session.Run($"Stop-ECSAgentTask {WebArn} -Verbose").MustWork().Called("stop"));
        Assert.Equal(1, session.Host.Questions);
    }

    [Fact]
    public void Its_parameters_reach_the_library_and_it_emits_nothing()
    {
        using var session = new Session();
        Outcome outcome = session.Run($"Stop-ECSAgentTask {WebArn} -TimeoutSec 7 -Confirm:$false -Verbose").MustWork();

        Assert.Equal($"stop task={WebArn} timeout=7 what_if=0", outcome.Call("stop"));
        Assert.Empty(outcome.Output);
        Assert.Equal(0, session.Host.Questions);
    }

    [Fact]
    public void PassThru_emits_the_task_on_its_way_to_the_end()
    {
        using var session = new Session();
        PSObject task = session.Run("Stop-ECSAgentTask 1111 -PassThru -Confirm:$false").One();

        Assert.Equal(WebArn, task.Get("TaskArn"));
        Assert.Equal("STOPPED", task.Get("DesiredStatus"));
    }

    [Fact]
    public void WhatIf_tells_what_the_agent_would_do_and_asks_no_question()
    {
        using var session = new Session();
        Outcome outcome = session.Run("Stop-ECSAgentTask 1111 -WhatIf -PassThru -Verbose").MustWork();

        Assert.Equal("stop task=1111 timeout=10 what_if=1", outcome.Call("stop"));
        Assert.Empty(outcome.Output);
        Assert.Equal(0, session.Host.Questions);
        Assert.Equal($"What if: Performing the operation \"Stop task\" on target \"{WebArn}\".",
                     Assert.Single(session.Host.Lines, line => line.StartsWith("What if: ", StringComparison.Ordinal)));
    }

    [Fact]
    public void WhatIf_is_silent_of_a_task_that_is_stopped()
    {
        using var session = new Session("nothing");

        session.Run("Stop-ECSAgentTask 1111 -WhatIf").MustWork();
        Assert.DoesNotContain(session.Host.Lines, line => line.StartsWith("What if: ", StringComparison.Ordinal));
    }

    [Fact]
    public void Tasks_come_down_the_pipeline_by_value_and_by_property()
    {
        using var session = new Session();
        Outcome outcome = session.Run("Get-ECSAgentTask -Family simple-* | Stop-ECSAgentTask -Confirm:$false -Verbose");

        Assert.Equal($"stop task={WebArn} timeout=10 what_if=0", outcome.MustWork().Call("stop"));
        outcome = session.Run("[pscustomobject]@{ TaskId = 'abc' } | Stop-ECSAgentTask -Confirm:$false -Verbose");
        Assert.Equal("stop task=abc timeout=10 what_if=0", outcome.MustWork().Call("stop"));
        Assert.Equal(2, session.Run("'a', 'b' | Stop-ECSAgentTask -PassThru -Confirm:$false").MustWork().Output.Count);
    }

    [Fact]
    public void A_name_that_no_task_has_is_an_error_and_the_others_are_stopped()
    {
        using var session = new Session();
        Outcome outcome = session.Run("Stop-ECSAgentTask nope, 1111 -PassThru -Confirm:$false");
        ErrorRecord error = Assert.Single(outcome.Errors);

        Assert.Null(outcome.Terminating);
        Assert.Equal("ECSNotFound,EcsTools.Cmdlets.StopEcsAgentTaskCommand", error.FullyQualifiedErrorId);
        Assert.Equal(ErrorCategory.ObjectNotFound, error.CategoryInfo.Category);
        Assert.Equal("nope", error.TargetObject);
        Assert.Single(outcome.Output);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-WhatIf")]
    public void Without_an_agent_it_is_one_terminating_error(string more)
    {
        using var session = new Session("noagent");
        ErrorRecord error = session.Run($"'a', 'b' | Stop-ECSAgentTask -Confirm:$false {more}").Terminating!;

        Assert.Equal("ECSUnreachable,EcsTools.Cmdlets.StopEcsAgentTaskCommand", error.FullyQualifiedErrorId);
        Assert.Equal("a", error.TargetObject);
    }

    [Fact]
    public void The_tab_key_offers_tasks()
    {
        using var session = new Session();
        Outcome outcome = session.Run("[System.Management.Automation.CommandCompletion]::CompleteInput(" +
                                      "'Stop-ECSAgentTask 1', 19, $null).CompletionMatches");

        Assert.Equal(WebArn, outcome.One().Get("CompletionText"));
    }
}
