using System.Management.Automation;
using System.Xml.Linq;
using Xunit;

namespace EcsTools.Tests;

/// <summary>Help is whole, and what it says about parameters is true.</summary>
public sealed class HelpTests
{
    private static readonly XNamespace command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace maml = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    private static XElement Page(string name) => XDocument
        .Load(Path.Combine(Path.GetDirectoryName(ModuleFolder.Fake)!, "en-US", "ECSTools.dll-Help.xml"))
        .Root!.Elements(command + "command")
        .Single(page => page.Element(command + "details")!.Element(command + "name")!.Value == name);

    private static IEnumerable<CmdletInfo> Commands(Session session) =>
        session.Run("Get-Command -Module ECSTools").MustWork().Output.Select(item => (CmdletInfo)item.BaseObject);

    private static string[] Paragraphs(XElement? of) =>
        [.. (of?.Elements(maml + "para") ?? []).Select(para => para.Value)];

    [Fact]
    public void Each_cmdlet_has_synopsis_description_outputs_and_two_examples()
    {
        using var session = new Session();

        foreach (CmdletInfo cmdlet in Commands(session))
        {
            XElement page = Page(cmdlet.Name);
            Assert.NotEmpty(Paragraphs(page.Element(command + "details")!.Element(maml + "description")));
            Assert.NotEmpty(Paragraphs(page.Element(maml + "description")));
            Assert.NotEmpty(page.Element(command + "returnValues")!.Elements());
            XElement[] examples = [.. page.Element(command + "examples")!.Elements()];
            Assert.True(examples.Length >= 2, cmdlet.Name);
            Assert.All(examples, example => Assert.NotEmpty(example.Element(dev + "code")!.Value));
        }
    }

    [Fact]
    public void Parameters_are_described_as_they_are()
    {
        using var session = new Session();

        foreach (CmdletInfo cmdlet in Commands(session))
        {
            string[] common = [.. Cmdlet.CommonParameters];
            Dictionary<string, ParameterMetadata> real = cmdlet.Parameters
                .Where(pair => !common.Contains(pair.Key)).ToDictionary(pair => pair.Key, pair => pair.Value);
            XElement[] told = [.. Page(cmdlet.Name).Element(command + "parameters")!.Elements()];

            Assert.Equal(real.Keys.Order(), told.Select(item => item.Element(maml + "name")!.Value).Order());
            foreach (XElement item in told)
            {
                ParameterMetadata parameter = real[item.Element(maml + "name")!.Value];
                string where = $"{cmdlet.Name} -{parameter.Name}";
                ParameterAttribute facts = parameter.Attributes.OfType<ParameterAttribute>().First();

                Assert.NotEmpty(Paragraphs(item.Element(maml + "description")));
                Same(where, item, "required", facts.Mandatory ? "true" : "false");
                Same(where, item, "position", facts.Position == int.MinValue ? "named" : $"{facts.Position}");
                Same(where, item, "globbing",
                     parameter.Attributes.OfType<SupportsWildcardsAttribute>().Any() ? "true" : "false");
                Same(where, item, "aliases",
                     parameter.Aliases.Count == 0 ? "none" : string.Join(", ", parameter.Aliases));
                Same(where, item, "pipelineInput",
                     (facts.ValueFromPipeline, facts.ValueFromPipelineByPropertyName) switch
                     {
                         (true, true) => "true (ByValue, ByPropertyName)",
                         (true, false) => "true (ByValue)",
                         (false, true) => "true (ByPropertyName)",
                         _ => "false",
                     });
                Assert.Equal(parameter.ParameterType.Name,
                             item.Element(dev + "type")!.Element(maml + "name")!.Value);
            }
        }
    }

    private static void Same(string where, XElement item, string attribute, string real) =>
        Assert.Equal($"{where} {attribute} {real}", $"{where} {attribute} {item.Attribute(attribute)!.Value}");

    [Fact]
    public void A_default_that_is_a_number_is_the_real_one()
    {
        using var session = new Session();

        foreach (CmdletInfo cmdlet in Commands(session))
        {
            object fresh = Activator.CreateInstance(cmdlet.ImplementingType)!;
            foreach (XElement item in Page(cmdlet.Name).Element(command + "parameters")!.Elements())
            {
                string name = item.Element(maml + "name")!.Value;
                string told = item.Element(dev + "defaultValue")!.Value;
                if (int.TryParse(told, out int number))
                {
                    Assert.Equal(number, cmdlet.ImplementingType.GetProperty(name)!.GetValue(fresh));
                }
            }
        }
    }

    [Fact]
    public void Get_Help_finds_each_page_by_itself()
    {
        using var session = new Session();

        Assert.Equal("Joins this machine to an Amazon ECS cluster and returns once it has joined.",
                     session.Run("(Get-Help Initialize-ECSAgent).Synopsis").One().ToString());
        Assert.Contains("Initialize-ECSAgent -Cluster MyCluster -EnableIAMTaskRole",
                        session.Run("(Get-Help Initialize-ECSAgent -Examples).examples.example[0].code").One().ToString());
    }

    [Fact]
    public void Each_property_of_an_emitted_object_is_told()
    {
        using var session = new Session();
        (string Cmdlet, string Command)[] rows =
        [
            ("Get-ECSAgent", "Get-ECSAgent"), ("Get-ECSAgentTask", "(Get-ECSAgentTask)[0]"),
            ("Get-ECSAgentTask", "(Get-ECSAgentTask)[0].Containers[0]"),
            ("Start-ECSLocalCluster", "Start-ECSLocalCluster -PassThru"),
        ];

        foreach ((string cmdlet, string text) in rows)
        {
            string outputs = Page(cmdlet).Element(command + "returnValues")!.Value;
            PSObject item = session.Run(text).One();
            Assert.All(item.Properties.Where(property => property.MemberType == PSMemberTypes.Property),
                       property => Assert.Matches($@"\b{property.Name}\b", outputs));
        }
    }

    [Fact]
    public void The_about_page_is_found_and_names_each_cmdlet()
    {
        using var session = new Session();
        string text = session.Run("Get-Help about_ECSTools").One().ToString();

        Assert.All(Commands(session), cmdlet => Assert.Contains(cmdlet.Name, text));
        Assert.All(text.Split('\n'), line => Assert.True(line.TrimEnd().Length <= 80, line));
    }
}
