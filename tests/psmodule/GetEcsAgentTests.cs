using System.Management.Automation;
using Xunit;

namespace EcsTools.Tests;

public sealed class GetEcsAgentTests
{
    private static readonly DateTime start = new DateTime(2026, 1, 2, 3, 4, 5, 678, DateTimeKind.Utc).ToLocalTime();

    [Fact]
    public void A_connected_agent_shows_all_it_told()
    {
        using var session = new Session();
        PSObject agent = session.Run("Get-ECSAgent").One();

        Assert.Equal("EcsTools.EcsAgent", agent.TypeNames[0]);
        Assert.Equal("Connected", agent.Get("State")!.ToString());
        Assert.Equal("MyCluster", agent.Get("Cluster"));
        Assert.Equal("arn:aws:ecs:us-west-2:123456789012:container-instance/MyCluster/0123456789abcdef0123456789abcdef",
                     agent.Get("ContainerInstanceArn"));
        Assert.Equal("9.8.7", agent.Get("Version"));
        Assert.Equal("1.105.1", agent.Get("WireVersion"));
        Assert.Equal("20.10.24", agent.Get("DockerVersion"));
        Assert.Equal("1.41", agent.Get("DockerApiVersion"));
        Assert.Equal("i-0123456789abcdef0", agent.Get("Ec2InstanceId"));
        Assert.Equal("us-west-2", agent.Get("Region"));
        Assert.Equal("https://ecs.us-west-2.amazonaws.com", agent.Get("Endpoint"));
        Assert.Equal(4242, agent.Get("ProcessId"));
        Assert.Equal(start, agent.Get("StartTime"));
        Assert.Equal(TimeSpan.FromSeconds(93784), agent.Get("Uptime"));
        Assert.Equal(start.AddSeconds(1), agent.Get("ConnectedSince"));
        Assert.Equal(start.AddSeconds(2), agent.Get("LastMetrics"));
        Assert.Null(agent.Get("MetricsReason"));
        Assert.Equal(true, agent.Get("TaskRoleReady"));
        Assert.Equal([1, 2, 3], new[] { "TasksPending", "TasksRunning", "TasksStopped" }.Select(agent.Get).Cast<int>());
        Assert.Equal("/var/lib/ecs/data", agent.Get("DataDirectory"));
        Assert.Equal("/var/log/ecs/ecs-agent.log", agent.Get("LogFile"));
        Assert.Empty(agent.List("Waits"));
    }

    [Fact]
    public void Capabilities_tell_which_are_held_back_and_why()
    {
        using var session = new Session();
        PSObject[] capabilities = session.Run("Get-ECSAgent").One().List("Capabilities");

        Assert.Equal(["com.amazonaws.ecs.capability.task-iam-role", "ecs.capability.task-eni"],
                     capabilities.Select(item => item.Get("Name")));
        Assert.Equal([true, false], capabilities.Select(item => item.Get("Offered")).Cast<bool>());
        Assert.Equal([null, "not supported on this host"], capabilities.Select(item => item.Get("Reason")));
    }

    [Fact]
    public void Waits_tell_what_since_when_the_last_error_and_the_next_try()
    {
        using var session = new Session("waiting");
        PSObject[] waits = session.Run("Get-ECSAgent").One().List("Waits");

        Assert.Equal(2, waits.Length);
        Assert.Equal("docker", waits[0].Get("Name"));
        Assert.Equal("Docker Engine answers", waits[0].Get("What"));
        Assert.Equal(3, waits[0].Get("Attempts"));
        Assert.Equal("connect: no such file", waits[0].Get("LastError"));
        Assert.Equal(start, waits[0].Get("Since"));
        Assert.Equal(start.AddSeconds(5), waits[0].Get("NextTry"));
        Assert.Equal("Docker Engine answers: connect: no such file", waits[0].ToString());
        Assert.Null(waits[1].Get("LastError"));
        Assert.Null(waits[1].Get("NextTry"));
    }

    [Fact]
    public void Metrics_that_are_not_accepted_have_a_reason()
    {
        using var session = new Session("waiting");
        session.Run("Get-ECSAgent | Out-Host").MustWork();

        Assert.Equal("the instance is not registered yet", session.Run("Get-ECSAgent").One().Get("MetricsReason"));
        Assert.Contains("LastMetrics          : not accepted: the instance is not registered yet", session.Host.Lines);
    }

    [Fact]
    public void A_stopped_agent_is_no_error_and_has_no_process()
    {
        using var session = new Session("stopped");
        PSObject agent = session.Run("Get-ECSAgent").One();

        Assert.Equal("Stopped", agent.Get("State")!.ToString());
        Assert.Null(agent.Get("ProcessId"));
        Assert.Null(agent.Get("Uptime"));
        Assert.Null(agent.Get("ConnectedSince"));
        Assert.Null(agent.Get("Cluster"));
    }

    [Fact]
    public void An_older_library_s_shorter_record_reads_as_far_as_it_goes()
    {
        using var session = new Session("small");
        PSObject agent = session.Run("Get-ECSAgent").One();

        Assert.Equal("Connected", agent.Get("State")!.ToString());
        Assert.Equal(7, agent.Get("ProcessId"));
        Assert.Null(agent.Get("Cluster"));
        Assert.Empty(agent.List("Capabilities"));
    }

    [Fact]
    public void An_agent_that_does_not_answer_is_a_terminating_error()
    {
        using var session = new Session("timeout");

        Assert.Equal("ECSTimeout,EcsTools.Cmdlets.GetEcsAgentCommand",
                     session.Run("Get-ECSAgent").Terminating!.FullyQualifiedErrorId);
    }

    [Fact]
    public void The_time_limit_reaches_the_library()
    {
        using var session = new Session();

        Assert.Equal("status timeout=4", session.Run("Get-ECSAgent -TimeoutSec 4 -Verbose").Call("status"));
    }

    [Fact]
    public void A_script_can_compare_the_state_with_a_word()
    {
        using var session = new Session();

        Assert.Equal(true, session.Run("(Get-ECSAgent).State -eq 'Connected'").One().BaseObject);
    }
}
