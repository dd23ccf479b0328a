using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;
using System.Text;

namespace EcsTools.Shell;

/// <summary>Runs statements and tells the exit code that powershell.exe would end with.</summary>
internal sealed class Runner(Runspace runspace, ShellHost host)
{
    private const int NoSuchFile = 64;
    private const string ScriptVariable = "pshScript";
    private const string WentWellVariable = "pshWentWell";
    private readonly Lock gate = new();
    private Pipeline? current;

    /// <summary>-Command: `exit n` gives n; else 0 if the last statement went well, 1 if not.</summary>
    public int RunCommand(string text)
    {
        bool finished = RunStatements(text);
        return host.ExitCode ?? (finished && LastStatementWentWell() ? 0 : 1);
    }

    /// <summary>-File: `exit n` gives n; a terminating error gives 1; all else is 0.</summary>
    public int RunFile(string path, string arguments)
    {
        string full = Path.GetFullPath(path);
        if (!File.Exists(full))
        {
            host.UI.WriteErrorLine($"psh: no file {full}");
            return NoSuchFile;
        }
        ScriptBlockAst script = Parser.ParseFile(full, out _, out ParseError[] errors);
        if (errors.Length > 0)
        {
            Show(new ParseException(errors).ErrorRecord);
            return 1;
        }
        // As a script block and not as a command, because `exit` in it then ends the host.
        runspace.SessionStateProxy.SetVariable(ScriptVariable, script.GetScriptBlock());
        bool finished = Run(new Command($". ${ScriptVariable} {arguments}", isScript: true, useLocalScope: false));
        return host.ExitCode ?? (finished ? 0 : 1);
    }

    /// <summary>Statements from a terminal or a pipe, each run once it is whole.</summary>
    public int RunInput(TextReader input, bool prompt)
    {
        var text = new StringBuilder();
        bool finished = true;

        while (host.ExitCode is null)
        {
            if (prompt)
            {
                host.UI.Write(text.Length == 0 ? $"PS {runspace.SessionStateProxy.Path.CurrentLocation}> " : ">> ");
            }
            string? line = input.ReadLine();
            if (line is null && text.Length == 0)
            {
                break;
            }
            text.AppendLine(line);
            Parser.ParseInput(text.ToString(), out _, out ParseError[] errors);
            if (line is not null && errors.Any(e => e.IncompleteInput))
            {
                continue;
            }
            finished = RunStatements(text.ToString());
            text.Clear();
        }
        return host.ExitCode ?? (finished && LastStatementWentWell() ? 0 : 1);
    }

    public void Stop()
    {
        lock (gate)
        {
            current?.StopAsync();
        }
    }

    /// <returns>False after a terminating error, which has been shown.</returns>
    private bool Run(Command command)
    {
        try
        {
            using Pipeline pipeline = runspace.CreatePipeline();
            pipeline.Commands.Add(command);
            pipeline.Commands[0].MergeMyResults(PipelineResultTypes.Error, PipelineResultTypes.Output);
            Invoke(pipeline, null);
            return true;
        }
        catch (PipelineStoppedException)
        {
            return false;
        }
        catch (RuntimeException e)
        {
            Show(e.ErrorRecord);
            return false;
        }
    }

    private void Show(ErrorRecord error)
    {
        using Pipeline pipeline = runspace.CreatePipeline();
        pipeline.Commands.Add(new Command("$input", isScript: true));
        PSObject shown = PSObject.AsPSObject(error);
        if (shown.Properties["writeErrorStream"] is null)
        {
            shown.Properties.Add(new PSNoteProperty("writeErrorStream", true)); // to standard error
        }
        Invoke(pipeline, shown);
    }

    private void Invoke(Pipeline pipeline, object? input)
    {
        pipeline.Commands.Add(new Command("Out-Default", isScript: false, useLocalScope: true));
        lock (gate)
        {
            current = pipeline;
        }
        try
        {
            _ = input is null ? pipeline.Invoke() : pipeline.Invoke(new[] { input });
        }
        finally
        {
            lock (gate)
            {
                current = null;
            }
        }
    }

    /// <summary>`$?` is asked for in the same run, since the pipeline's own end sets it anew.</summary>
    private bool RunStatements(string text) =>
        Run(new Command($"{text}\n;$global:{WentWellVariable} = $?", isScript: true, useLocalScope: false));

    private bool LastStatementWentWell() => runspace.SessionStateProxy.GetVariable(WentWellVariable) is true;
}
