using System.Globalization;
using System.Management.Automation.Host;

namespace EcsTools.Shell;

/// <summary>What the engine knows about the program that runs it.</summary>
internal sealed class ShellHost(ShellUI ui) : PSHost
{
    /// <summary>Set once a script has run `exit`.</summary>
    public int? ExitCode { get; private set; }

    public override string Name => "ECSToolsShell";
    public override Version Version { get; } = new(1, 0);
    public override Guid InstanceId { get; } = Guid.NewGuid();
    public override PSHostUserInterface UI { get; } = ui;
    public override CultureInfo CurrentCulture { get; } = CultureInfo.CurrentCulture;
    public override CultureInfo CurrentUICulture { get; } = CultureInfo.CurrentUICulture;

    public override void SetShouldExit(int exitCode) => ExitCode = exitCode;

    public override void EnterNestedPrompt() => throw new NotSupportedException("this host has no nested prompt");
    public override void ExitNestedPrompt() => throw new NotSupportedException("this host has no nested prompt");

    // Native programs share the terminal with us; a progress line must not stay in their way.
    public override void NotifyBeginApplication() => ui.ClearProgress();
    public override void NotifyEndApplication() { }
}
