using System.Management.Automation.Language;
using Xunit;

namespace EcsTools.Tests;

/// <summary>
/// The script that an administrator runs on a real Windows Server: it must be one that Windows PowerShell 5.1 reads,
/// and its table must be whole whatever fails. Windows' own commands are stand-ins here, or missing.
/// </summary>
public sealed class VerifyScriptTests
{
    private static string Path { get; } =
        System.IO.Path.Combine(ModuleFolder.Root, "tests", "windows", "Verify-OnWindows.ps1");

    /// <summary>What the engine of the tests lacks and every Windows has.</summary>
    private const string Utilities = """
        function Write-Progress { }
        function Join-Path($a, $b) { "$a\$b" }
        function Add-Type { }
        function Format-Table { param($Property, [switch]$Wrap) $input }
        function Out-String { param($Width) process { "$($_.Result)|$($_.Check)|$($_.Detail)" } }
        function Write-Output { param([Parameter(ValueFromPipeline)]$InputObject) process { $InputObject } }
        function New-Object([string]$TypeName, [object[]]$ArgumentList) { , [Activator]::CreateInstance(($TypeName -as [type]), $ArgumentList) }
        function docker { $global:LASTEXITCODE = 1; 'no such network' }
        $env:ProgramData = 'C:\ProgramData'

        """;

    /// <summary>Nothing here may reach an engine or an agent of this machine.</summary>
    private static Psh.Run Run(string standIns, string arguments = "") =>
        Psh.Command($"{Utilities}{standIns}\n& '{Path}' -TaskAddress 127.0.0.9 {arguments}; exit $LASTEXITCODE");

    private static Dictionary<string, (string Result, string Detail)> Table(Psh.Run run) =>
        run.Output.Split('\n').Select(line => line.Split('|', 3)).Where(parts => parts.Length == 3)
            .ToDictionary(parts => parts[1], parts => (parts[0], parts[2]));

    [Fact]
    public void The_script_is_one_that_5_1_reads()
    {
        TokenKind[] newer =
        [
            TokenKind.AndAnd, TokenKind.OrOr, TokenKind.QuestionQuestion, TokenKind.QuestionQuestionEquals,
            TokenKind.QuestionDot, TokenKind.QuestionLBracket, TokenKind.QuestionMark,
        ];

        Parser.ParseFile(Path, out Token[] tokens, out ParseError[] errors);

        Assert.Empty(errors.Select(e => $"{e.Extent.StartLineNumber}: {e.Message}"));
        Assert.Empty(tokens.Where(t => newer.Contains(t.Kind)).Select(t => $"{t.Extent.StartLineNumber}: {t.Text}"));
        Assert.DoesNotContain(File.ReadAllText(Path), c => c > 126); // 5.1 reads a file without a mark as ANSI
    }

    [Fact]
    public void Every_row_is_there_when_everything_fails()
    {
        Psh.Run run = Run("");
        var rows = Table(run);

        Assert.True(rows.Count > 25, run.ToString());
        Assert.Equal(rows.Values.Count(r => r.Result == "FAIL"), run.ExitCode);
        Assert.Equal(6, rows.Values.Count(r => r is ("not run", "needs -Disruptive")));
        Assert.DoesNotContain(rows.Values, r => r.Result == "pass");
        Assert.DoesNotContain(rows.Values, r => r.Detail.Length == 0);
        Assert.Contains("no such network", rows["the task address is on the adapter that owns the gateway of the nat network"].Detail);
        Assert.EndsWith($"0 passed, {run.ExitCode} failed, 6 not run\n", run.Output);
    }

    [Fact]
    public void With_disruptive_no_row_is_left_out()
    {
        Psh.Run run = Run("", "-Disruptive");

        Assert.DoesNotContain(Table(run).Values, r => r.Result == "not run");
        Assert.Contains("0 not run", run.Output);
    }

    /// <summary>A host whose answers are good, or of which each is a little wrong.</summary>
    private static string Host(bool good) => $$"""
        class Key { [hashtable] $Values; [object] GetValue([string] $name) { return $this.Values[$name] } }
        function Get-Item { [Key]@{ Values = @{ Start = 2; DelayedAutostart = {{(good ? 1 : 0)}}; PreshutdownTimeout = {{(good ? 30000 : 300000)}}
            FailureActionsOnNonCrashFailures = 1
            FailureActions = [byte[]]@(foreach ($n in 300, 0, 0, 3, 20, 1, 5000, 1, 30000, 1, {{(good ? 60000 : 600)}}) { [BitConverter]::GetBytes([int]$n) }) } } }
        function sc.exe { $global:LASTEXITCODE = 0; ''; 'D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCLC{{(good ? "" : "RP")}}SWLORC;;;BU)' }
        function netsh.exe {
            $global:LASTEXITCODE = 0
            'Protocol tcp Port Exclusion Ranges'; '----------    --------'
            if ("$args" -like '*persistent*') { '     51678       {{(good ? 51679 : 51678)}}'; return }
            '     51678       51679     *'; '{{(good ? "      5357        5357" : "     51600       51699")}}'
        }

        """;

    private static readonly string[] Judged =
    [
        "the start is automatic and delayed",
        "failures restart it after 5, 30 and 60 s, ends with a code too",
        "users may ask and not control",
        "a shutdown of the machine waits 30 s for it",
        "no range of WinNAT covers the agent's ports",
        "the agent's ports are reserved over restarts", // the reasons of a check fail nothing
    ];

    [Theory]
    [InlineData(true, "pass")]
    [InlineData(false, "FAIL")]
    public void The_host_s_answers_are_judged_by_what_they_mean(bool good, string result)
    {
        var rows = Table(Run(Host(good)));

        Assert.All(Judged, name => Assert.True(rows[name].Result == result, $"{name}: {rows[name]}"));
    }
}
