using Xunit;

namespace EcsTools.Tests;

/// <summary>The two forms of user data in the README, each as a process of its own.</summary>
public sealed class UserDataTests
{
    private static string Plain =>
        $"Import-Module '{ModuleFolder.Fake}'\nInitialize-ECSAgent -Cluster MyCluster -EnableIAMTaskRole\n";

    private static string CfnInit =>
        $"$ErrorActionPreference = 'Stop'\nImport-Module '{ModuleFolder.Fake}'\n" +
        "Initialize-ECSAgent -Cluster MyCluster -EnableTaskIAMRole\nexit $LASTEXITCODE\n";

    [Theory]
    [InlineData(null, 0)]
    [InlineData("timeout", 1)]
    [InlineData("conflict", 1)]
    public void The_two_plain_lines_tell_the_truth_as_a_command(string? script, int code) =>
        Assert.Equal(code, Psh.Command(Plain, script).ExitCode);

    [Theory]
    [InlineData(null, 0)]
    [InlineData("timeout", 1)]
    [InlineData("conflict", 1)]
    public void The_cfn_init_form_tells_the_truth_as_a_file_and_as_a_command(string? script, int code)
    {
        Assert.Equal(code, Psh.File(CfnInit, script).ExitCode);
        Assert.Equal(code, Psh.Command(CfnInit, script).ExitCode);
    }

    [Theory]
    [InlineData(null, 0)]
    [InlineData("timeout", 1)]
    [InlineData("conflict", 5)]
    public void A_script_that_goes_on_after_the_failure_can_tell_the_kinds_apart(string? script, int code) =>
        Assert.Equal(code, Psh.File(Plain + "exit $LASTEXITCODE\n", script).ExitCode);
}
