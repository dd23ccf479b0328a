using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Xunit;

namespace EcsTools.Tests;

/// <summary>A PowerShell engine with the module over the fake library.</summary>
internal sealed class Session : IDisposable
{
    private const string ScriptVariable = "FAKE_ECSAGENT";

    private readonly Runspace runspace;

    public RecordingHost Host { get; } = new();

    /// <param name="script">What the fake plays; see fake/fake_ecsagent.c.</param>
    public Session(string? script = null)
    {
        foreach (string name in new[] { "ECS_BACKEND_HOST", "AWS_DEFAULT_REGION" })
        {
            Environment.SetEnvironmentVariable(name, null);
        }
        Environment.SetEnvironmentVariable(ScriptVariable, script);
        runspace = RunspaceFactory.CreateRunspace(Host, InitialSessionState.CreateDefault2());
        runspace.Open();
        runspace.SessionStateProxy.SetVariable("manifest", ModuleFolder.Fake);
        Run("Import-Module $manifest").MustWork();
    }

    /// <summary>Runs a script; a terminating error ends it and is kept, as `catch` would see it.</summary>
    public Outcome Run(string text)
    {
        using PowerShell shell = PowerShell.Create(runspace);
        shell.AddScript($"$global:caught = $null; try {{ {text} }} catch {{ $global:caught = $_ }}");
        List<PSObject> output = [.. shell.Invoke()];
        return new Outcome(output, [.. shell.Streams.Error], Variable("caught") as ErrorRecord,
            [.. shell.Streams.Verbose.Select(record => record.Message)],
            [.. shell.Streams.Warning.Select(record => record.Message)],
            [.. shell.Streams.Progress],
            [.. shell.Streams.Information.Select(record => record.MessageData.ToString()!)]);
    }

    /// <summary>Starts a script that will not end by itself.</summary>
    public PowerShell Begin(string text, out IAsyncResult running)
    {
        PowerShell shell = PowerShell.Create(runspace).AddScript(text);
        running = shell.BeginInvoke();
        return shell;
    }

    public object? Variable(string name) => runspace.SessionStateProxy.GetVariable(name);

    public void Dispose()
    {
        runspace.Dispose();
        Environment.SetEnvironmentVariable(ScriptVariable, null);
    }
}

/// <summary>All that a script gave.</summary>
internal sealed record Outcome(List<PSObject> Output, List<ErrorRecord> Errors, ErrorRecord? Terminating,
                               List<string> Verbose, List<string> Warnings, List<ProgressRecord> Progress,
                               List<string> Information)
{
    public Outcome MustWork()
    {
        Assert.Null(Terminating);
        Assert.Empty(Errors);
        return this;
    }

    /// <summary>The one object that was emitted.</summary>
    public PSObject One() => Assert.Single(MustWork().Output);

    /// <summary>The call as the library saw it: the fake tells its arguments as verbose text.</summary>
    public string Call(string operation) =>
        Assert.Single(Verbose, text => text.StartsWith(operation + " ", StringComparison.Ordinal));

    public bool Called(string operation) =>
        Verbose.Any(text => text.StartsWith(operation + " ", StringComparison.Ordinal));
}

internal static class Properties
{
    /// <summary>A property by name, through PowerShell's own view of the object.</summary>
    public static object? Get(this PSObject item, string name) =>
        (item.Properties[name] ?? throw new ArgumentException($"no property {name}")).Value;

    public static PSObject[] List(this PSObject item, string name) =>
        [.. ((Array)item.Get(name)!).Cast<object>().Select(PSObject.AsPSObject)];
}
