using System.Management.Automation.Language;
using System.Text.RegularExpressions;

namespace EcsTools.Shell;

/// <summary>The command line, understood as powershell.exe does.</summary>
internal sealed partial class Options
{
    public const string Usage =
        "usage: psh [-NoProfile] [-NonInteractive] [-NoLogo] [-ExecutionPolicy <policy>]\n" +
        "           [-Command <text> ... | -Command - | -File <path> [<argument> ...]]\n" +
        "Without -Command and -File the statements come from standard input.";

    public string? Command { get; private set; }
    public string? File { get; private set; }
    public bool NonInteractive { get; private set; }
    public bool Help { get; private set; }
    public string FileArguments { get; private set; } = "";

    /// <exception cref="ArgumentException">The command line cannot be understood.</exception>
    public static Options Parse(string[] args)
    {
        var options = new Options();

        for (int i = 0; i < args.Length; i++)
        {
            switch (args[i].TrimStart('-', '/').ToLowerInvariant())
            {
                case "noprofile" or "nop" or "nologo":
                    break;
                case "noninteractive" or "noni":
                    options.NonInteractive = true;
                    break;
                case "executionpolicy" or "ep" or "ex":
                    i++; // scripts always run here: this host loads what tests tell it to
                    break;
                case "help" or "h" or "?":
                    options.Help = true;
                    return options;
                case "command" or "c" when args[i][0] is '-' or '/':
                    options.Command = string.Join(' ', args[(i + 1)..]);
                    if (options.Command.Length == 0)
                    {
                        throw new ArgumentException("-Command needs a text");
                    }
                    if (options.Command == "-")
                    {
                        options.Command = null;
                    }
                    return options;
                case "file" or "f" when args[i][0] is '-' or '/':
                    i++;
                    options.File = i < args.Length ? args[i] : throw new ArgumentException("-File needs a path");
                    options.FileArguments = Typed(args[(i + 1)..]);
                    return options;
                default:
                    if (args[i].StartsWith('-'))
                    {
                        throw new ArgumentException($"unknown option {args[i]}");
                    }
                    options.Command = string.Join(' ', args[i..]); // bare text is a command
                    return options;
            }
        }
        return options;
    }

    /// <summary>
    /// The arguments as a line of PowerShell: "-Name" and "-Switch:$false" stay bare, all else is a
    /// quoted string, so that a script binds them as if they had been typed.
    /// </summary>
    private static string Typed(IEnumerable<string> args) => string.Join(' ', args.Select(arg =>
        ParameterName().Match(arg) is { Success: true } name
            ? name.Value + (name.Length < arg.Length ? Literal(arg[name.Length..]) : "")
            : Quoted(arg)));

    private static string Literal(string text) =>
        text.ToLowerInvariant() is "$true" or "$false" or "$null" ? text : Quoted(text);

    private static string Quoted(string text) => $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'";

    [GeneratedRegex("^-[A-Za-z_]\\w*:?")]
    private static partial Regex ParameterName();
}
