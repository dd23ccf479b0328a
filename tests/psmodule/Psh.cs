using System.Diagnostics;

namespace EcsTools.Tests;

/// <summary>The console host as a process of its own, as a machine's user data would run it.</summary>
internal static class Psh
{
    public static string Program { get; } = Path.Combine(ModuleFolder.Root, "build", "out", "psh");

    public sealed record Run(int ExitCode, string Output, string Errors);

    public static Run Command(string text, string? script = null) => Start(["-NoProfile", "-Command", text], script, "");

    public static Run File(string text, string? script = null, params string[] arguments)
    {
        string file = Path.Combine(ModuleFolder.Scratch("psh"), $"{Guid.NewGuid():N}.ps1");
        System.IO.File.WriteAllText(file, text);
        try
        {
            return Start(["-NoProfile", "-File", file, .. arguments], script, "");
        }
        finally
        {
            System.IO.File.Delete(file);
        }
    }

    public static Run Input(string text) => Start([], null, text);

    /// <summary>A command that does not end by itself; its errors go where ours go.</summary>
    public static Process Begin(string text, string script) =>
        Process.Start(Info(["-NoProfile", "-Command", text], script, ownErrors: false))!;

    public static Run Start(string[] arguments, string? script, string input)
    {
        using Process process = Process.Start(Info(arguments, script, ownErrors: true))!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        if (!process.WaitForExit(60000))
        {
            process.Kill();
            throw new TimeoutException("psh did not end: " + string.Join(' ', arguments));
        }
        return new Run(process.ExitCode, output.Result, errors.Result);
    }

    private static ProcessStartInfo Info(string[] arguments, string? script, bool ownErrors)
    {
        var start = new ProcessStartInfo(Program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = ownErrors,
        };
        start.Environment["FAKE_ECSAGENT"] = script ?? "";
        return start;
    }
}
