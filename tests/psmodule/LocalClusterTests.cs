using System.Management.Automation;
using Xunit;

namespace EcsTools.Tests;

/// <summary>Start- and Stop-ECSLocalCluster.</summary>
public sealed class LocalClusterTests
{
    [Fact]
    public void Start_sets_the_variables_in_this_process_and_says_so()
    {
        using var session = new Session();
        Outcome outcome = session.Run("Start-ECSLocalCluster; $env:ECS_BACKEND_HOST").MustWork();

        Assert.Equal("http://127.0.0.1:6000", Assert.Single(outcome.Output).BaseObject);
        Assert.Equal(
        [
            "The local control plane runs at http://127.0.0.1:6000.",
            "Set in this process: ECS_BACKEND_HOST=http://127.0.0.1:6000, AWS_DEFAULT_REGION=us-west-2",
            "To use it with aws:",
            "  export AWS_DEFAULT_REGION=us-west-2",
        ], session.Host.Lines);
    }

    [Fact]
    public void What_it_says_can_be_redirected()
    {
        using var session = new Session();

        Assert.Contains("The local control plane runs at http://127.0.0.1:6000.",
                        session.Run("Start-ECSLocalCluster").MustWork().Information);
    }

    [Fact]
    public void PassThru_emits_the_cluster()
    {
        using var session = new Session();
        PSObject local = session.Run("Start-ECSLocalCluster -PassThru").One();

        Assert.Equal("EcsTools.EcsLocalCluster", local.TypeNames[0]);
        Assert.Equal("http://127.0.0.1:6000", local.Get("Endpoint"));
        Assert.Equal("http://127.0.0.1:6000/imds", local.Get("MetadataEndpoint"));
        Assert.Equal("us-west-2", local.Get("Region"));
        Assert.Equal(6000, local.Get("Port"));
        Assert.Equal(77, local.Get("ProcessId"));
        Assert.Equal(false, local.Get("AlreadyRunning"));
        Assert.Equal("/var/lib/ecs/local", local.Get("DataDirectory"));
        Assert.Equal(2, ((IReadOnlyDictionary<string, string>)local.Get("Variables")!).Count);
    }

    [Theory]
    [InlineData("", "data=- port=0 timeout=30 what_if=0 registry=-")]
    [InlineData("-Port 6100 -TimeoutSec 5", "data=- port=6100 timeout=5 what_if=0 registry=-")]
    [InlineData("-DataDirectory /tmp/a/../b", "data=/tmp/b port=0 timeout=30 what_if=0 registry=-")]
    [InlineData("-Registry http://127.0.0.1:5000", "data=- port=0 timeout=30 what_if=0 registry=http://127.0.0.1:5000")]
    public void Its_parameters_reach_the_library(string parameters, string seen)
    {
        using var session = new Session();

        Assert.Equal("local up " + seen,
                     session.Run($"Start-ECSLocalCluster {parameters} -Verbose").MustWork().Call("local up"));
    }

    [Theory]
    [InlineData("127.0.0.1:5000")]
    [InlineData("http://127.0.0.1:5000/path")]
    public void A_registry_is_an_address_with_its_scheme(string registry)
    {
        using var session = new Session();

        Assert.StartsWith("ParameterArgumentValidationError,",
                          session.Run($"Start-ECSLocalCluster -Registry {registry}").Terminating!.FullyQualifiedErrorId);
    }

    [Fact]
    public void A_relative_directory_is_the_shell_s_and_not_the_process_s()
    {
        using var session = new Session();

        Assert.Contains("data=/usr/x ", session.Run(
            "$ExecutionContext.SessionState.Path.SetLocation('/usr') | Out-Null; " +
            "Start-ECSLocalCluster -DataDirectory x -Verbose").MustWork().Call("local up"));
    }

    [Theory]
    [InlineData("Start-ECSLocalCluster", "local up")]
    [InlineData("Stop-ECSLocalCluster", "local down")]
    public void WhatIf_only_asks_for_the_plan_and_touches_no_variable(string cmdlet, string operation)
    {
        using var session = new Session();
        Outcome outcome = session.Run(
            $"$env:ECS_BACKEND_HOST = 'mine'; {cmdlet} -WhatIf -Verbose; $env:ECS_BACKEND_HOST").MustWork();

        Assert.Contains("what_if=1", outcome.Call(operation));
        Assert.Equal("mine", Assert.Single(outcome.Output).BaseObject);
    }

    [Fact]
    public void A_failed_start_sets_no_variable()
    {
        using var session = new Session("timeout");

        Assert.StartsWith("ECSTimeout,", session.Run("Start-ECSLocalCluster").Terminating!.FullyQualifiedErrorId);
        Assert.Null(Environment.GetEnvironmentVariable("ECS_BACKEND_HOST"));
    }

    [Fact]
    public void Stop_removes_the_variables_that_still_point_there_and_no_others()
    {
        using var session = new Session();
        Outcome outcome = session.Run(
            "Start-ECSLocalCluster; $env:AWS_DEFAULT_REGION = 'eu-west-1'; Stop-ECSLocalCluster; " +
            "\"[$env:ECS_BACKEND_HOST][$env:AWS_DEFAULT_REGION]\"").MustWork();

        Assert.Equal("[][eu-west-1]", Assert.Single(outcome.Output).BaseObject);
        Assert.Contains("Removed from this process: ECS_BACKEND_HOST", session.Host.Lines);
    }

    [Theory]
    [InlineData("", "data=- remove=0 timeout=30")]
    [InlineData("-RemoveData -TimeoutSec 3 -DataDirectory /tmp/b", "data=/tmp/b remove=1 timeout=3")]
    public void The_parameters_of_a_stop_reach_the_library(string parameters, string seen)
    {
        using var session = new Session();
        Outcome outcome = session.Run($"Stop-ECSLocalCluster {parameters} -Verbose").MustWork();

        Assert.Equal($"local down {seen} what_if=0", outcome.Call("local down"));
        Assert.Empty(outcome.Output);
    }
}
