using System.Management.Automation;
using Xunit;

namespace EcsTools.Tests;

public sealed class GetEcsAgentTaskTests
{
    private const string WebArn = "arn:aws:ecs:us-west-2:123456789012:task/MyCluster/11111111111111111111111111111111";
    private const string BatchArn = "arn:aws:ecs:us-west-2:123456789012:task/MyCluster/22222222222222222222222222222222";

    private static IEnumerable<object?> Families(Outcome outcome) => outcome.Output.Select(task => task.Get("Family"));

    [Theory]
    [InlineData("", new[] { "simple-web", "batch" }, "all by default")]
    [InlineData("*", new[] { "simple-web", "batch" }, "a wildcard for all")]
    [InlineData(WebArn, new[] { "simple-web" }, "a whole ARN")]
    [InlineData("22222222222222222222222222222222", new[] { "batch" }, "an id")]
    [InlineData("2222*", new[] { "batch" }, "the start of an id")]
    [InlineData("*:task/mycluster/1*", new[] { "simple-web" }, "part of an ARN, whatever its case")]
    [InlineData("3*", new string[0], "a wildcard may find nothing")]
    [InlineData("1111*, 2222*", new[] { "simple-web", "batch" }, "several names")]
    [InlineData("-Family simple-*", new[] { "simple-web" }, "by family")]
    [InlineData("-Status stopped", new[] { "batch" }, "by status, whatever its case")]
    [InlineData("-Family simple-* -Status STOPPED", new string[0], "both must fit")]
    [InlineData("-Status RUNNING, STOPPED", new[] { "simple-web", "batch" }, "one of several")]
    public void Names_choose_tasks(string arguments, string[] families, string why)
    {
        using var session = new Session();

        Assert.True(families.SequenceEqual(Families(session.Run($"Get-ECSAgentTask {arguments}").MustWork())), why);
    }

    [Fact]
    public void A_task_shows_all_the_agent_told()
    {
        using var session = new Session();
        PSObject task = session.Run($"Get-ECSAgentTask {WebArn}").One();

        Assert.Equal("EcsTools.EcsAgentTask", task.TypeNames[0]);
        Assert.Equal(WebArn, task.Get("TaskArn"));
        Assert.Equal("11111111111111111111111111111111", task.Get("TaskId"));
        Assert.Equal("1", task.Get("Revision"));
        Assert.Equal("RUNNING", task.Get("Status"));
        Assert.Equal("RUNNING", task.Get("DesiredStatus"));
        Assert.Equal("bridge", task.Get("NetworkMode"));
        Assert.Equal("arn:aws:iam::123456789012:role/web", task.Get("RoleArn"));
        Assert.Null(task.Get("StoppedReason"));
        DateTime created = (DateTime)task.Get("CreatedAt")!;
        Assert.Equal(new DateTime(2026, 1, 2, 3, 4, 5, 678, DateTimeKind.Utc), created.ToUniversalTime());
        Assert.Equal([1.0, 2.0, 3.0], new[] { "PullStartedAt", "PullStoppedAt", "StartedAt" }
            .Select(name => ((DateTime)task.Get(name)! - created).TotalMilliseconds));
        Assert.Null(task.Get("StoppedAt"));
    }

    [Fact]
    public void Containers_come_in_order_with_ports_and_exit_codes()
    {
        using var session = new Session();
        PSObject[] containers = session.Run($"Get-ECSAgentTask {WebArn}").One().List("Containers");

        Assert.Equal(["web=RUNNING", "init=STOPPED", "log: pulling 3 of 7 layers, 41 of 120 MiB"],
                     containers.Select(container => container.ToString()));
        Assert.Equal("c0ffee", containers[0].Get("DockerId"));
        Assert.Equal("HEALTHY", containers[0].Get("Health"));
        Assert.Equal(true, containers[0].Get("Essential"));
        Assert.Equal(100L, containers[0].Get("Cpu"));
        Assert.Equal(500L, containers[0].Get("Memory"));
        Assert.Equal(12.25, containers[0].Get("CpuPercent"));
        Assert.Equal(321L, containers[0].Get("MemoryUsed"));
        Assert.Null(containers[1].Get("CpuPercent"));
        Assert.Null(containers[1].Get("MemoryUsed"));
        Assert.Null(containers[0].Get("ExitCode"));
        Assert.Equal(["8080->80/tcp", "8443->443/tcp", "[::]:8080->80/tcp"],
                     containers[0].List("Ports").Select(port => port.ToString()));
        Assert.Equal("0.0.0.0", containers[0].List("Ports")[0].Get("BindIP"));
        Assert.Null(containers[0].List("Ports")[1].Get("BindIP"));
        Assert.Equal(0, containers[1].Get("ExitCode"));
        Assert.Null(containers[1].Get("Memory"));
        Assert.Equal("grüß Gott €", containers[1].Get("Reason"));
        Assert.Null(containers[1].Get("Activity"));
        Assert.Equal("pulling log:1: 3 of 7 layers, 41 of 120 MiB", containers[2].Get("Activity"));
    }

    [Fact]
    public void A_task_uses_what_its_containers_use()
    {
        using var session = new Session();
        PSObject[] tasks = [.. session.Run("Get-ECSAgentTask").MustWork().Output];

        Assert.Equal([12.25, null], tasks.Select(task => task.Get("CpuPercent")));
        Assert.Equal([321L, null], tasks.Select(task => task.Get("MemoryUsed")));
        session.Run("Get-ECSAgentTask | Out-Host").MustWork();
        Assert.Contains(session.Host.Lines, line => line.Contains($" {12.3:0.0} ") && line.Contains("   321 "));
    }

    [Fact]
    public void A_name_that_no_task_has_is_an_error_and_the_others_still_come()
    {
        using var session = new Session();
        Outcome outcome = session.Run($"Get-ECSAgentTask nope, {BatchArn}");
        ErrorRecord error = Assert.Single(outcome.Errors);

        Assert.Null(outcome.Terminating);
        Assert.Equal("ECSNotFound,EcsTools.Cmdlets.GetEcsAgentTaskCommand", error.FullyQualifiedErrorId);
        Assert.Equal(ErrorCategory.ObjectNotFound, error.CategoryInfo.Category);
        Assert.Equal("nope", error.TargetObject);
        Assert.Equal(["batch"], Families(outcome));
    }

    [Fact]
    public void Names_come_down_the_pipeline_by_value_and_by_property_with_one_call()
    {
        using var session = new Session();
        Outcome byValue = session.Run($"'1111*', '{BatchArn}' | Get-ECSAgentTask -Verbose").MustWork();

        Assert.Equal(["simple-web", "batch"], Families(byValue));
        Assert.True(byValue.Called("tasks"));
        Assert.Equal(["batch"], Families(session.Run("Get-ECSAgentTask -Family batch | Get-ECSAgentTask").MustWork()));
        Assert.Equal(["batch"], Families(session.Run("[pscustomobject]@{ TaskId = '2222*' } | Get-ECSAgentTask").MustWork()));
    }

    [Fact]
    public void Without_an_agent_it_is_one_terminating_error()
    {
        using var session = new Session("noagent");
        ErrorRecord error = session.Run("'a', 'b' | Get-ECSAgentTask").Terminating!;

        Assert.Equal("ECSUnreachable,EcsTools.Cmdlets.GetEcsAgentTaskCommand", error.FullyQualifiedErrorId);
        Assert.Equal("the agent does not run", error.Exception.Message);
    }

    [Theory]
    [InlineData("Get-ECSAgentTask ", new[] { WebArn, BatchArn })]
    [InlineData("Get-ECSAgentTask 2222", new[] { BatchArn })]
    [InlineData("Get-ECSAgentTask -TaskArn arn:aws:ecs:us-west-2:123456789012:task/MyCluster/1", new[] { WebArn })]
    public void The_tab_key_offers_tasks(string line, string[] offered)
    {
        using var session = new Session();
        Outcome outcome = session.Run(
            $"[System.Management.Automation.CommandCompletion]::CompleteInput('{line}', {line.Length}, $null)" +
            ".CompletionMatches");

        Assert.Equal(offered, outcome.MustWork().Output.Select(match => match.Get("CompletionText")));
    }

    [Fact]
    public void The_tab_key_offers_nothing_and_complains_about_nothing_without_an_agent()
    {
        using var session = new Session("noagent");
        Outcome outcome = session.Run(
            "[EcsTools.Completers.TaskArnCompleter]::new().CompleteArgument('Get-ECSAgentTask', 'TaskArn', '', $null, $null)");

        Assert.Empty(outcome.MustWork().Output);
    }
}
