using System.Collections.ObjectModel;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace EcsTools.Tests;

/// <summary>A host of 120 columns that keeps what it is told, and answers every question alike.</summary>
internal sealed class RecordingHost : PSHost
{
    private readonly RecordingUI ui = new();

    public override string Name => "Recording";
    public override Version Version { get; } = new(1, 0);
    public override Guid InstanceId { get; } = Guid.NewGuid();
    public override PSHostUserInterface UI => ui;
    public override CultureInfo CurrentCulture => CultureInfo.InvariantCulture;
    public override CultureInfo CurrentUICulture => CultureInfo.InvariantCulture;

    /// <summary>Every line that reached the console.</summary>
    public List<string> Lines => ui.Lines;

    /// <summary>How many questions were asked.</summary>
    public int Questions => ui.Questions;

    /// <summary>Label of the choice to take, without its mark: "Yes", "No".</summary>
    public string Answer { set => ui.Answer = value; }

    public override void EnterNestedPrompt() => throw new NotSupportedException();
    public override void ExitNestedPrompt() => throw new NotSupportedException();
    public override void NotifyBeginApplication() { }
    public override void NotifyEndApplication() { }
    public override void SetShouldExit(int exitCode) { }

    private sealed class RecordingUI : PSHostUserInterface
    {
        private string line = "";

        public List<string> Lines { get; } = [];
        public int Questions { get; private set; }
        public string Answer { get; set; } = "No";

        public override PSHostRawUserInterface RawUI { get; } = new Screen();

        public override void Write(string value)
        {
            string[] parts = (line + GetOutputString(value, supportsVirtualTerminal: false)).ReplaceLineEndings("\n").Split('\n');
            Lines.AddRange(parts[..^1]);
            line = parts[^1];
        }

        public override void Write(ConsoleColor foreground, ConsoleColor background, string value) => Write(value);
        public override void WriteLine(string value) => Write(value + "\n");
        public override void WriteErrorLine(string value) => WriteLine(value);
        public override void WriteDebugLine(string message) => WriteLine(message);
        public override void WriteVerboseLine(string message) => WriteLine($"VERBOSE: {message}");
        public override void WriteWarningLine(string message) => WriteLine($"WARNING: {message}");
        public override void WriteProgress(long sourceId, ProgressRecord record) { }
        public override string ReadLine() => "";
        public override SecureString ReadLineAsSecureString() => new();

        public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices,
                                            int defaultChoice)
        {
            Questions++;
            WriteLine(message);
            return choices.Select(choice => choice.Label.Replace("&", "")).ToList().IndexOf(Answer);
        }

        public override Dictionary<string, PSObject> Prompt(string caption, string message,
                                                            Collection<FieldDescription> descriptions) =>
            throw new NotSupportedException();
        public override PSCredential PromptForCredential(string caption, string message, string userName,
                                                         string targetName) => throw new NotSupportedException();
        public override PSCredential PromptForCredential(string caption, string message, string userName,
                                                         string targetName, PSCredentialTypes allowed,
                                                         PSCredentialUIOptions options) =>
            throw new NotSupportedException();
    }

    private sealed class Screen : PSHostRawUserInterface
    {
        private static readonly Size size = new(120, 50);

        public override Size BufferSize { get => size; set { } }
        public override Size WindowSize { get => size; set { } }
        public override Size MaxWindowSize => size;
        public override Size MaxPhysicalWindowSize => size;
        public override Coordinates WindowPosition { get; set; }
        public override Coordinates CursorPosition { get; set; }
        public override int CursorSize { get; set; }
        public override string WindowTitle { get; set; } = "";
        public override ConsoleColor ForegroundColor { get; set; }
        public override ConsoleColor BackgroundColor { get; set; }
        public override bool KeyAvailable => false;
        public override KeyInfo ReadKey(ReadKeyOptions options) => throw new NotSupportedException();
        public override void FlushInputBuffer() { }
        public override BufferCell[,] GetBufferContents(Rectangle rectangle) => throw new NotSupportedException();
        public override void SetBufferContents(Coordinates origin, BufferCell[,] contents) { }
        public override void SetBufferContents(Rectangle rectangle, BufferCell fill) { }
        public override void ScrollBufferContents(Rectangle source, Coordinates destination, Rectangle clip,
                                                  BufferCell fill) { }
    }
}
