using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Text;

namespace EcsTools.Shell;

internal static class Program
{
    private const int UsageError = 64;
    private const int Interrupted = 130;

    private static int Main(string[] args)
    {
        Options options;
        try
        {
            options = Options.Parse(args);
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine($"psh: {e.Message}\n{Options.Usage}");
            return UsageError;
        }
        if (options.Help)
        {
            Console.WriteLine(Options.Usage);
            return 0;
        }

        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var ui = new ShellUI(!options.NonInteractive);
        var host = new ShellHost(ui);
        using Runspace runspace = RunspaceFactory.CreateRunspace(host, Session());
        runspace.ThreadOptions = PSThreadOptions.UseCurrentThread;
        runspace.Open();
        Runspace.DefaultRunspace = runspace;

        var runner = new Runner(runspace, host);
        bool interrupted = false;
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true; // the pipeline gets the time to stop its cmdlets
            interrupted = true;
            runner.Stop();
        };

        int code = options.File is not null ? runner.RunFile(options.File, options.FileArguments)
            : options.Command is not null ? runner.RunCommand(options.Command)
            : runner.RunInput(Console.In, prompt: !Console.IsInputRedirected && !options.NonInteractive);
        ui.ClearProgress();
        return interrupted ? Interrupted : code;
    }

    private static InitialSessionState Session()
    {
        InitialSessionState state = InitialSessionState.CreateDefault2();
        if (OperatingSystem.IsWindows())
        {
            state.ExecutionPolicy = Microsoft.PowerShell.ExecutionPolicy.Bypass;
        }
        return state;
    }
}
