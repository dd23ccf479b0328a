using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace EcsTools.Shell;

/// <summary>
/// Text in and out. Errors, warnings and the rest go where powershell.exe sends them: errors to
/// standard error, all else to standard output.
/// </summary>
internal sealed class ShellUI(bool interactive) : PSHostUserInterface
{
    private readonly Lock gate = new(); // jobs and progress timers write from other threads
    private readonly ProgressLine progress = new(!Console.IsOutputRedirected);

    public override PSHostRawUserInterface RawUI { get; } = new ShellRawUI();
    public override bool SupportsVirtualTerminal => !Console.IsOutputRedirected;

    public void ClearProgress()
    {
        lock (gate)
        {
            progress.Clear();
        }
    }

    public override void Write(string value) => Put(Console.Out, value, null);
    public override void Write(ConsoleColor foreground, ConsoleColor background, string value) =>
        Put(Console.Out, value, foreground);
    public override void WriteLine(string value) => Put(Console.Out, value + '\n', null);
    public override void WriteErrorLine(string value) => Put(Console.Error, value + '\n', ConsoleColor.Red);
    public override void WriteDebugLine(string message) =>
        Put(Console.Out, $"DEBUG: {message}\n", ConsoleColor.Yellow);
    public override void WriteVerboseLine(string message) =>
        Put(Console.Out, $"VERBOSE: {message}\n", ConsoleColor.Yellow);
    public override void WriteWarningLine(string message) =>
        Put(Console.Out, $"WARNING: {message}\n", ConsoleColor.Yellow);

    public override void WriteProgress(long sourceId, ProgressRecord record)
    {
        lock (gate)
        {
            progress.Show(record);
        }
    }

    public override string ReadLine()
    {
        ClearProgress();
        return NextLine();
    }

    public override SecureString ReadLineAsSecureString()
    {
        var text = new SecureString();
        foreach (char c in ReadLine())
        {
            text.AppendChar(c);
        }
        return text;
    }

    public override Dictionary<string, PSObject> Prompt(string caption, string message,
                                                        Collection<FieldDescription> descriptions)
    {
        var answers = new Dictionary<string, PSObject>();

        Head(caption, message);
        foreach (FieldDescription field in descriptions)
        {
            Write($"{field.Name}: ");
            answers[field.Name] = PSObject.AsPSObject(NextLine());
        }
        return answers;
    }

    public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices,
                                        int defaultChoice)
    {
        Head(caption, message);
        while (true)
        {
            for (int i = 0; i < choices.Count; i++)
            {
                Write($"[{HotKey(choices[i])}] {choices[i].Label.Replace("&", "")}  ");
            }
            Write(defaultChoice >= 0 ? $"(default is \"{HotKey(choices[defaultChoice])}\"): " : ": ");

            string answer = NextLine().Trim();
            if (answer.Length == 0 && defaultChoice >= 0)
            {
                return defaultChoice;
            }
            for (int i = 0; i < choices.Count; i++)
            {
                if (answer.Equals(HotKey(choices[i]), StringComparison.OrdinalIgnoreCase) ||
                    answer.Equals(choices[i].Label.Replace("&", ""), StringComparison.OrdinalIgnoreCase))
                {
                    return i;
                }
            }
        }
    }

    public override PSCredential PromptForCredential(string caption, string message, string userName,
                                                     string targetName) =>
        throw new NotSupportedException("this host asks for no credentials");

    public override PSCredential PromptForCredential(string caption, string message, string userName,
                                                     string targetName, PSCredentialTypes allowedTypes,
                                                     PSCredentialUIOptions options) =>
        throw new NotSupportedException("this host asks for no credentials");

    private static string HotKey(ChoiceDescription choice)
    {
        int mark = choice.Label.IndexOf('&');
        return mark >= 0 && mark + 1 < choice.Label.Length ? choice.Label.Substring(mark + 1, 1) : choice.Label;
    }

    private void Head(string caption, string message)
    {
        ClearProgress();
        foreach (string line in new[] { caption, message })
        {
            if (!string.IsNullOrEmpty(line))
            {
                WriteLine(line);
            }
        }
    }

    private string NextLine()
    {
        if (!interactive)
        {
            throw new HostException("cannot ask: the host runs with -NonInteractive");
        }
        return Console.In.ReadLine() ?? throw new HostException("cannot ask: standard input has ended");
    }

    private void Put(TextWriter to, string text, ConsoleColor? color)
    {
        bool terminal = to == Console.Error ? !Console.IsErrorRedirected : !Console.IsOutputRedirected;

        lock (gate)
        {
            progress.Clear();
            if (terminal && color is not null)
            {
                Console.ForegroundColor = color.Value;
            }
            to.Write(GetOutputString(text, terminal)); // without the engine's colors for a file
            if (terminal && color is not null)
            {
                Console.ResetColor();
            }
            to.Flush();
        }
    }
}
