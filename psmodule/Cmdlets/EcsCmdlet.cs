using System;
using System.Linq;
using System.Management.Automation;
using EcsTools.Native;

namespace EcsTools.Cmdlets;

/// <summary>
/// What all cmdlets share: an operation run on the pipeline's thread, its messages written as they
/// come, a stop passed on, its failure as an error record.
/// </summary>
public abstract class EcsCmdlet : PSCmdlet
{
    private const int ProgressActivity = 1;

    private readonly object gate = new();
    private AgentOperation? running;
    private bool stopping;

    /// <summary>Runs an operation to its end.</summary>
    /// <exception cref="AgentException">It failed.</exception>
    private protected T Run<T>(AgentOperation.Starter start, Func<NativeList, T> convert)
    {
        using AgentOperation operation = AgentOperation.Start(start);
        var sink = new CmdletSink(this);

        lock (gate)
        {
            running = operation;
            if (stopping)
            {
                operation.Cancel();
            }
        }
        try
        {
            return operation.Finish(sink, convert);
        }
        finally
        {
            lock (gate)
            {
                running = null;
            }
            sink.EndProgress();
        }
    }

    protected override void StopProcessing()
    {
        lock (gate)
        {
            stopping = true;
            running?.Cancel();
        }
    }

    /// <summary>One failure of many: the pipeline goes on.</summary>
    private protected void WriteAgentError(AgentException e, object? target) => WriteError(e.ToErrorRecord(target));

    /// <summary>Nothing can go on.</summary>
    private protected void ThrowAgentError(AgentException e, object? target) =>
        ThrowTerminatingError(e.ToErrorRecord(target));

    private protected static EcsAgent OneAgent(NativeList list) =>
        NativeReader.List<NativeStatus, EcsAgent>(list, EcsAgent.From).Single();

    /// <summary>Says a line to the person at the console; it is no output and can be redirected as stream 6.</summary>
    private protected void Say(string line) =>
        WriteInformation(new HostInformationMessage { Message = line }, ["PSHOST"]);

    private sealed class CmdletSink(EcsCmdlet cmdlet) : IOperationSink
    {
        private ProgressRecord? shown;

        public void Progress(string activity, string step, int percent, int secondsLeft)
        {
            if (activity.Length == 0 || step.Length == 0)
            {
                return; // PowerShell refuses a record without them
            }
            shown = new ProgressRecord(ProgressActivity, activity, step)
            {
                PercentComplete = Math.Max(-1, Math.Min(percent, 100)),
                SecondsRemaining = secondsLeft,
            };
            cmdlet.WriteProgress(shown);
        }

        public void Verbose(string text) => cmdlet.WriteVerbose(text);
        public void Warning(string text) => cmdlet.WriteWarning(text);

        public void Idle()
        {
            if (cmdlet.Stopping)
            {
                throw new PipelineStoppedException(); // the library has been told and takes its time
            }
        }

        public void EndProgress()
        {
            if (shown is null || cmdlet.Stopping)
            {
                return; // a stopped pipeline takes no more records
            }
            shown.RecordType = ProgressRecordType.Completed;
            cmdlet.WriteProgress(shown);
        }
    }
}
