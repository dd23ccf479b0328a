using System.Diagnostics;
using System.Management.Automation;
using Xunit;

namespace EcsTools.Tests;

public sealed class InitializeEcsAgentTests
{
    [Fact]
    public void All_parameters_reach_the_library()
    {
        using var session = new Session();
        string call = session.Run("Initialize-ECSAgent -Cluster 'Größe' -EnableTaskIAMRole -TimeoutSec 30 -Force " +
                                  "-LoggingDrivers '[\"json-file\"]' -Verbose").MustWork().Call("initialize");

        Assert.Contains("cluster=Größe drivers=[\"json-file\"] role=1 timeout=30 what_if=0 force=1", call);
        Assert.Contains("program=" + Path.Combine(Path.GetDirectoryName(ModuleFolder.Fake)!, "psmodule", "bin"), call);
    }

    [Theory]
    [InlineData("", "role=0")]
    [InlineData("-EnableTaskIAMRole", "role=1")]
    [InlineData("-EnableIAMTaskRole", "role=1")]
    [InlineData("-EnableTaskIAMRole:$false", "role=2")]
    [InlineData("-EnableIAMTaskRole:$false", "role=2")]
    public void A_switch_left_out_leaves_task_roles_as_they_are(string parameter, string seen)
    {
        using var session = new Session();

        Assert.Contains(seen + " ", session.Run($"Initialize-ECSAgent {parameter} -Verbose").MustWork().Call("initialize"));
    }

    [Fact]
    public void What_is_left_out_is_left_to_the_library()
    {
        using var session = new Session();

        Assert.Contains("cluster=- drivers=- role=0 timeout=600 what_if=0 force=0",
                        session.Run("Initialize-ECSAgent -Verbose").Call("initialize"));
    }

    [Fact]
    public void A_variable_set_in_the_script_reaches_the_library()
    {
        using var session = new Session();

        Assert.EndsWith("backend=http://127.0.0.1:1", session.Run(
            "$env:ECS_BACKEND_HOST = 'http://127.0.0.1:1'; Initialize-ECSAgent -Verbose").Call("initialize"));
    }

    [Fact]
    public void It_emits_nothing_by_itself_and_the_agent_with_PassThru()
    {
        using var session = new Session();

        Assert.Empty(session.Run("Initialize-ECSAgent MyCluster").MustWork().Output);
        PSObject agent = session.Run("Initialize-ECSAgent MyCluster -PassThru").One();
        Assert.Equal("Connected", agent.Get("State")!.ToString());
    }

    [Fact]
    public void Progress_and_warnings_come_as_they_happen()
    {
        using var session = new Session();
        Outcome outcome = session.Run("Initialize-ECSAgent").MustWork();

        Assert.Equal(["Checking Docker Engine", "Registering", "Registering"],
                     outcome.Progress.Select(record => record.StatusDescription));
        Assert.Equal([10, 60, 60], outcome.Progress.Select(record => record.PercentComplete));
        Assert.Equal(90, outcome.Progress[0].SecondsRemaining);
        Assert.Equal(ProgressRecordType.Completed, outcome.Progress[2].RecordType);
        Assert.Equal(["the clock is 2 s late"], outcome.Warnings);
    }

    [Fact]
    public void A_timeout_is_one_terminating_error_that_names_the_wait_and_may_be_tried_again()
    {
        using var session = new Session("timeout");
        Outcome outcome = session.Run("$global:LASTEXITCODE = 9; Initialize-ECSAgent MyCluster; 'not reached'");
        ErrorRecord error = outcome.Terminating!;

        Assert.Equal("ECSTimeout,EcsTools.Cmdlets.InitializeEcsAgentCommand", error.FullyQualifiedErrorId);
        Assert.Equal(ErrorCategory.OperationTimeout, error.CategoryInfo.Category);
        Assert.Equal("waited 600 s for Docker Engine: connect: no such file; next try in 5 s. " +
                     "Start Docker Engine; the service keeps trying.", error.Exception.Message);
        Assert.Equal("MyCluster", error.TargetObject);
        Assert.Equal(1, session.Variable("LASTEXITCODE"));
        Assert.Equal(true, PSObject.AsPSObject(error.Exception).Get("Retryable"));
        Assert.Equal(110, PSObject.AsPSObject(error.Exception).Get("SystemCode"));
        Assert.Empty(outcome.Output);
    }

    [Fact]
    public void What_an_operator_must_change_leaves_exit_code_5()
    {
        using var session = new Session("conflict");
        ErrorRecord error = session.Run("Initialize-ECSAgent New").Terminating!;

        Assert.StartsWith("ECSConflict,", error.FullyQualifiedErrorId);
        Assert.Equal(ErrorCategory.ResourceExists, error.CategoryInfo.Category);
        Assert.Equal(5, session.Variable("LASTEXITCODE"));
        Assert.Equal(false, PSObject.AsPSObject(error.Exception).Get("Retryable"));
    }

    [Fact]
    public void Success_sets_exit_code_0()
    {
        using var session = new Session();
        session.Run("$global:LASTEXITCODE = 9; Initialize-ECSAgent").MustWork();

        Assert.Equal(0, session.Variable("LASTEXITCODE"));
    }

    [Fact]
    public void A_failure_can_be_caught_and_the_host_goes_on()
    {
        using var session = new Session("timeout");

        Assert.Equal(["ECSTimeout", "after"], session.Run(
            "try { Initialize-ECSAgent } catch { $_.FullyQualifiedErrorId.Split(',')[0] }; 'after'")
            .MustWork().Output.Select(item => item.ToString()));
    }

    [Fact]
    public void WhatIf_prints_the_library_s_own_plan_and_asks_for_nothing_else()
    {
        using var session = new Session();
        Outcome outcome = session.Run("Initialize-ECSAgent MyCluster -WhatIf -Verbose -PassThru").MustWork();

        Assert.Contains("what_if=1", outcome.Call("initialize"));
        Assert.Equal(
        [
            "What if: Performing the operation \"Install service\" on target \"AmazonECS\".",
            "What if: Performing the operation \"Write setting\" on target \"ECS_CLUSTER\".",
            "What if: Performing the operation \"Start service\" on target \"AmazonECS\".",
        ], session.Host.Lines.Where(line => line.StartsWith("What if", StringComparison.Ordinal)));
        Assert.Empty(outcome.Output);
    }

    [Fact]
    public void WhatIfPreference_counts_as_WhatIf_and_an_explicit_no_overrides_it()
    {
        using var session = new Session();

        Assert.Contains("what_if=1", session.Run("$WhatIfPreference = $true; Initialize-ECSAgent -Verbose")
            .Call("initialize"));
        Assert.Contains("what_if=0", session.Run("$WhatIfPreference = $true; Initialize-ECSAgent -WhatIf:$false -Verbose")
            .Call("initialize"));
    }

    [Fact]
    public void WhatIf_says_so_when_there_is_nothing_to_do()
    {
        using var session = new Session("nothing");

        Assert.Contains("Nothing would change.", session.Run("Initialize-ECSAgent -WhatIf -Verbose").Verbose);
    }

    [Fact]
    public void Confirm_asks_once_and_a_no_calls_nothing()
    {
        using var session = new Session();
        session.Host.Answer = "No";
        Outcome outcome = session.Run("Initialize-ECSAgent MyCluster -Confirm -Verbose").MustWork();

        Assert.Equal(1, session.Host.Questions);
        Assert.False(outcome.Called("initialize"));
    }

    [Fact]
    public void Confirm_with_a_yes_goes_on()
    {
        using var session = new Session();
        session.Host.Answer = "Yes";

        Assert.True(session.Run("Initialize-ECSAgent MyCluster -Confirm -Verbose").MustWork().Called("initialize"));
        Assert.Equal(1, session.Host.Questions);
    }

    [Theory]
    [InlineData("-Cluster ''")]
    [InlineData("-LoggingDrivers ''")]
    [InlineData("-TimeoutSec 0")]
    [InlineData("-TimeoutSec 86401")]
    public void Senseless_arguments_are_refused_before_anything_is_called(string arguments)
    {
        using var session = new Session();
        Outcome outcome = session.Run($"Initialize-ECSAgent {arguments} -Verbose");

        Assert.Equal(ErrorCategory.InvalidData, outcome.Terminating!.CategoryInfo.Category);
        Assert.False(outcome.Called("initialize"));
    }

    [Fact]
    public void A_stop_cancels_the_operation_at_once()
    {
        using var session = new Session("hang");
        using PowerShell shell = session.Begin("Initialize-ECSAgent -TimeoutSec 600", out _);

        SpinWait.SpinUntil(() => shell.Streams.Progress.Any(record => record.StatusDescription == "Hanging"), 20000);
        Assert.Contains("Hanging", shell.Streams.Progress.Select(record => record.StatusDescription));
        var watch = Stopwatch.StartNew();
        shell.Stop();

        Assert.Equal(PSInvocationState.Stopped, shell.InvocationStateInfo.State);
        Assert.True(watch.ElapsedMilliseconds < 5000, $"took {watch.ElapsedMilliseconds} ms");
    }

    [Fact]
    public void Local_starts_the_local_control_plane_first_and_points_the_agent_to_it()
    {
        using var session = new Session();
        Outcome outcome = session.Run("Initialize-ECSAgent MyCluster -Local -Verbose").MustWork();

        Assert.True(outcome.Called("local up"));
        Assert.EndsWith("backend=http://127.0.0.1:6000", outcome.Call("initialize"));
        Assert.Equal("us-west-2", Environment.GetEnvironmentVariable("AWS_DEFAULT_REGION"));
    }

    [Fact]
    public void Local_with_WhatIf_changes_no_variable()
    {
        using var session = new Session();
        Outcome outcome = session.Run("Initialize-ECSAgent MyCluster -Local -WhatIf -Verbose").MustWork();

        Assert.Contains("what_if=1", outcome.Call("local up"));
        Assert.EndsWith("backend=", outcome.Call("initialize"));
    }
}
