using System.Diagnostics;
using Xunit;

namespace EcsTools.Tests;

/// <summary>The console host ends with powershell.exe's exit codes; without that no test of ours means much.</summary>
public sealed class ShellTests
{
    [Theory]
    [InlineData("1 + 1", 0, "all well")]
    [InlineData("exit 7", 7, "exit gives its code")]
    [InlineData("exit", 0, "exit alone is 0")]
    [InlineData("throw 'x'", 1, "a terminating error")]
    [InlineData("Get-Nothing", 1, "the last statement failed")]
    [InlineData("Get-Nothing; 1", 0, "only the last statement counts")]
    [InlineData("/bin/false", 1, "a program that failed")]
    [InlineData("$global:LASTEXITCODE = 5; exit $LASTEXITCODE", 5, "a script's own code")]
    [InlineData("if (", 1, "no statement at all")]
    public void Command_ends_as_powershell_would(string text, int code, string why)
    {
        Psh.Run run = Psh.Command(text);

        Assert.True(code == run.ExitCode, $"{why}: {run}");
    }

    [Theory]
    [InlineData("Get-Nothing; 1", 0, "an error that does not end the script")]
    [InlineData("1; Get-Nothing", 0, "even as its last statement")]
    [InlineData("exit 7", 7, "exit gives its code")]
    [InlineData("throw 'x'", 1, "a terminating error")]
    [InlineData("$ErrorActionPreference = 'Stop'; Get-Nothing; exit 0", 1, "any error ends it then")]
    [InlineData("if (", 1, "no script at all")]
    public void File_ends_as_powershell_would(string text, int code, string why)
    {
        Psh.Run run = Psh.File(text);

        Assert.True(code == run.ExitCode, $"{why}: {run}");
    }

    [Fact]
    public void File_binds_arguments_as_if_typed_and_knows_its_own_folder()
    {
        Psh.Run run = Psh.File("param([string]$Name, [switch]$On, [switch]$Off = $true, [int]$N) " +
                               "\"$Name|$On|$Off|$N|$args|$([System.IO.Path]::GetFileName($PSScriptRoot))\"",
                               null, "-Name", "it's $here", "-On", "-Off:$false", "-N", "3", "rest");

        Assert.Equal("it's $here|True|False|3|rest|psh\n", run.Output);
    }

    [Fact]
    public void Errors_go_to_standard_error_and_all_else_to_standard_output()
    {
        Psh.Run run = Psh.Command("'out'; Get-Nothing; 'more'");

        Assert.Equal("out\nmore\n", run.Output);
        Assert.StartsWith("Get-Nothing: The term 'Get-Nothing' is not recognized", run.Errors);
    }

    [Fact]
    public void Statements_come_from_standard_input_once_they_are_whole()
    {
        Psh.Run run = Psh.Input("1..2 | ForEach-Object {\n  $_ * 10\n}\nexit 3\n'not reached'\n");

        Assert.Equal("10\n20\n", run.Output);
        Assert.Equal(3, run.ExitCode);
    }

    [Fact]
    public void Without_a_terminal_progress_is_a_line_a_step()
    {
        Psh.Run run = Psh.Command($"Import-Module '{ModuleFolder.Fake}'; Initialize-ECSAgent MyCluster");

        Assert.Equal("Fake activity: Checking Docker Engine\nWARNING: the clock is 2 s late\n" +
                     "Fake activity: Registering\n", run.Output);
    }

    [Fact]
    public void A_question_that_nobody_can_answer_is_an_error()
    {
        Psh.Run run = Psh.Command($"Import-Module '{ModuleFolder.Fake}'; Uninstall-ECSAgent");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("cannot ask: standard input has ended", run.Errors);
    }

    [Fact]
    public void An_interrupt_stops_the_cmdlet_and_ends_with_130()
    {
        using Process process = Psh.Begin($"Import-Module '{ModuleFolder.Fake}'; Initialize-ECSAgent; 'not reached'", "hang");
        string? line;
        do
        {
            line = process.StandardOutput.ReadLine();
        }
        while (line is not null && line != "Fake activity: Hanging");
        ModuleFolder.Tool("/bin/kill", "-INT", process.Id.ToString());

        bool ended = process.WaitForExit(20000);
        if (!ended) { process.Kill(); }
        Assert.True(ended);
        Assert.Equal(130, process.ExitCode);
        Assert.DoesNotContain("not reached", process.StandardOutput.ReadToEnd());
    }

    [Fact]
    public void An_option_it_does_not_know_is_told_with_the_usage()
    {
        Psh.Run run = Psh.Start(["-Bogus"], null, "");

        Assert.Equal(64, run.ExitCode);
        Assert.Contains("unknown option -Bogus", run.Errors);
    }
}
