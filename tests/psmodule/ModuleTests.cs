using System.Management.Automation;
using System.Reflection;
using System.Text.RegularExpressions;
using Xunit;

namespace EcsTools.Tests;

public sealed class ModuleTests
{
    private static readonly string[] cmdlets =
    [
        "Get-ECSAgent", "Get-ECSAgentTask", "Initialize-ECSAgent", "Restart-ECSAgent", "Start-ECSAgent",
        "Start-ECSLocalCluster", "Stop-ECSAgent", "Stop-ECSAgentTask", "Stop-ECSLocalCluster", "Uninstall-ECSAgent",
    ];

    private static List<CmdletInfo> Commands(Session session) =>
        [.. session.Run("Get-Command -Module ECSTools").MustWork().Output.Select(item => (CmdletInfo)item.BaseObject)];

    [Fact]
    public void The_module_exports_its_cmdlets_and_nothing_else()
    {
        using var session = new Session();

        Assert.Equal(cmdlets, Commands(session).Select(command => command.Name).Order());
        Assert.Empty(session.Run("$m = Get-Module ECSTools; $m.ExportedAliases.Keys; $m.ExportedFunctions.Keys; " +
                                 "$m.ExportedVariables.Keys").MustWork().Output);
    }

    [Fact]
    public void The_manifest_names_each_export_without_a_wildcard()
    {
        string manifest = File.ReadAllText(ModuleFolder.Fake);

        Assert.DoesNotContain("*", manifest);
        Assert.Equal(cmdlets, Regex.Matches(manifest, "'(\\w+-ECS\\w+)'").Select(match => match.Groups[1].Value));
    }

    [Fact]
    public void Names_have_an_approved_verb_and_a_noun_that_the_AWS_modules_do_not_use()
    {
        using var session = new Session();
        HashSet<string> verbs = [.. new[] { typeof(VerbsCommon), typeof(VerbsData), typeof(VerbsLifecycle),
                                            typeof(VerbsDiagnostic) }
            .SelectMany(type => type.GetFields()).Select(field => (string)field.GetRawConstantValue()!)];

        Assert.All(Commands(session), command =>
        {
            Assert.Contains(command.Verb, verbs);
            Assert.Matches("^ECS(Agent|Local|Host|Image)", command.Noun);
        });
    }

    [Fact]
    public void What_changes_something_has_WhatIf_and_Confirm_and_what_only_looks_has_not()
    {
        using var session = new Session();

        Assert.All(Commands(session), command =>
        {
            Assert.Equal(command.Verb != "Get", command.Parameters.ContainsKey("WhatIf"));
            Assert.Equal(command.Verb != "Get", command.Parameters.ContainsKey("Confirm"));
            Assert.Equal(command.Name is "Uninstall-ECSAgent" or "Stop-ECSLocalCluster", command.OutputType.Count == 0);
        });
    }

    [Theory]
    [InlineData("Initialize-ECSAgent", "[[-Cluster] <string>] [-EnableTaskIAMRole] [-LoggingDrivers <string>] [-Local] " +
                "[-TimeoutSec <int>] [-Force] [-PassThru] [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData("Start-ECSAgent", "[-TimeoutSec <int>] [-PassThru] [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData("Stop-ECSAgent", "[-TimeoutSec <int>] [-PassThru] [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData("Restart-ECSAgent", "[-TimeoutSec <int>] [-PassThru] [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData("Uninstall-ECSAgent", "[-KeepData] [-TimeoutSec <int>] [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData("Get-ECSAgent", "[-TimeoutSec <int>] [<CommonParameters>]")]
    [InlineData("Get-ECSAgentTask", "[[-TaskArn] <string[]>] [-Family <string[]>] [-Status <string[]>] " +
                "[-TimeoutSec <int>] [<CommonParameters>]")]
    [InlineData("Stop-ECSAgentTask", "[-TaskArn] <string[]> [-TimeoutSec <int>] [-PassThru] [-WhatIf] [-Confirm] " +
                "[<CommonParameters>]")]
    [InlineData("Start-ECSLocalCluster", "[-Port <int>] [-DataDirectory <string>] [-Registry <string>] " +
                "[-TimeoutSec <int>] [-PassThru] [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData("Stop-ECSLocalCluster", "[-DataDirectory <string>] [-RemoveData] [-TimeoutSec <int>] [-WhatIf] " +
                "[-Confirm] [<CommonParameters>]")]
    public void Each_cmdlet_has_one_parameter_set(string name, string syntax)
    {
        using var session = new Session();
        CommandParameterSetInfo set = Assert.Single(Commands(session).Single(command => command.Name == name).ParameterSets);

        Assert.Equal(syntax, set.ToString());
    }

    [Fact]
    public void The_launch_post_s_spelling_of_the_switch_is_an_alias()
    {
        using var session = new Session();
        CmdletInfo command = Commands(session).Single(item => item.Name == "Initialize-ECSAgent");

        Assert.Equal(["EnableIAMTaskRole"], command.Parameters["EnableTaskIAMRole"].Aliases);
    }

    [Fact]
    public void Module_and_assembly_have_one_version()
    {
        using var session = new Session();
        string module = session.Run("(Get-Module ECSTools).Version.ToString()").One().ToString();
        AssemblyName assembly = AssemblyName.GetAssemblyName(
            Path.Combine(ModuleFolder.Root, "psmodule", "bin", "ECSTools.dll"));

        Assert.StartsWith(module, assembly.Version!.ToString());
    }

    [Fact]
    public void The_assembly_needs_nothing_that_Windows_PowerShell_5_1_lacks()
    {
        using var session = new Session();
        Assembly assembly = Commands(session)[0].ImplementingType.Assembly;

        Assert.Subset(new HashSet<string> { "mscorlib", "System", "System.Core", "System.Management.Automation" },
                      assembly.GetReferencedAssemblies().Select(name => name.Name!).ToHashSet());
        Assert.Equal("v4.0.30319", assembly.ImageRuntimeVersion);
    }

    [Fact]
    public void Import_does_no_work_and_a_missing_library_is_told_at_the_first_call()
    {
        Psh.Run run = Psh.File($"Import-Module '{ModuleFolder.NoLibrary}'; 'imported'; " +
                               "try { Get-ECSAgent } catch { $_.FullyQualifiedErrorId; $_.Exception.Message }");

        Assert.StartsWith("imported\nECSLibrary,EcsTools.Cmdlets.GetEcsAgentCommand\n" +
                          "the agent's native library cannot be loaded from ", run.Output);
        Assert.Contains("run `make` in a checkout", run.Output);
    }

    [Fact]
    public void A_library_of_another_ABI_is_refused_before_it_is_asked_for_anything()
    {
        Psh.Run run = Psh.File($"Import-Module '{ModuleFolder.OtherAbi}'; " +
                               "try { Initialize-ECSAgent } catch { $_.FullyQualifiedErrorId; $_.Exception.Message }; " +
                               "exit $LASTEXITCODE");

        Assert.StartsWith("ECSLibrary,", run.Output);
        Assert.Contains("has ABI 99, this module needs 1", run.Output);
        Assert.Equal(5, run.ExitCode);
    }

    [Theory]
    [InlineData("Get-ECSAgent", "ContainerInstanceArn : arn:aws:ecs:us-west-2:123456789012:container-instance/MyCluster/")]
    [InlineData("Get-ECSAgentTask", "TaskId                           Definition           Status        Desired    CPU%    MiB Containers")]
    [InlineData("(Get-ECSAgentTask).Containers", "Name                 Status        Health     Exit   CPU%    MiB Ports                    Image")]
    [InlineData("(Get-ECSAgentTask).Containers.Ports", "Container   Host Protocol BindIP")]
    [InlineData("(Get-ECSAgent).Capabilities", "Offered Name                                                           Reason")]
    [InlineData("Start-ECSLocalCluster -PassThru", "MetadataEndpoint : http://127.0.0.1:6000/imds")]
    public void Each_type_has_a_view_that_fits_120_columns(string command, string line)
    {
        using var session = new Session();
        session.Run($"{command} | Out-Host").MustWork();

        Assert.Contains(session.Host.Lines, shown => shown.StartsWith(line, StringComparison.Ordinal));
        Assert.All(session.Host.Lines, shown => Assert.True(shown.TrimEnd().Length <= 120, shown));
        Assert.DoesNotContain(session.Host.Lines, shown => shown.Contains("EcsTools."));
    }

    [Fact]
    public void The_view_of_a_waiting_agent_says_for_what_with_the_error_and_the_next_try()
    {
        using var session = new Session("waiting");
        session.Run("Get-ECSAgent | Out-Host; (Get-ECSAgent).Waits | Out-Host").MustWork();

        string next = new DateTime(2026, 1, 2, 3, 4, 10, DateTimeKind.Utc).ToLocalTime().ToString("HH:mm:ss");
        Assert.Contains($"WaitsFor             : Docker Engine answers: connect: no such file (next try {next})",
                        session.Host.Lines);
        Assert.Contains(session.Host.Lines, line => line.Trim() == "the instance is registered");
        Assert.Contains(session.Host.Lines, line => line.StartsWith("docker ", StringComparison.Ordinal) &&
                                                    line.Contains(next) && line.Contains("connect: no such file"));
    }
}
