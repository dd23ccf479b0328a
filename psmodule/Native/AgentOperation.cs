using System;
using System.Management.Automation;

namespace EcsTools.Native;

/// <summary>
/// A started operation, run to its end on the caller's thread. Everything on the way is handed to
/// the sink; the result is converted while the library still owns it.
/// </summary>
internal sealed class AgentOperation : IDisposable
{
    /// <summary>How long one look for the next event may take; a stop is noticed after it at the latest.</summary>
    private const int LookMs = 250;

    private readonly AgentHandle handle;

    private AgentOperation(AgentHandle handle) => this.handle = handle;

    internal delegate int Starter(NativeScope scope, out AgentHandle op);

    /// <exception cref="AgentException">The library is missing, or refused the call.</exception>
    internal static AgentOperation Start(Starter start)
    {
        AgentLibrary.Check();
        using var scope = new NativeScope();
        int answer = start(scope, out AgentHandle op);

        if (answer == NativeMethods.Started)
        {
            return new AgentOperation(op);
        }
        throw answer == NativeMethods.NoMemory
            ? new AgentException("NO_MEMORY", ErrorCategory.ResourceUnavailable, "out of memory", null, true, 1)
            : new AgentException("INVALID", ErrorCategory.InvalidArgument,
                                 "the native library refused the call's arguments", null, false, 5);
    }

    /// <returns>What <paramref name="convert"/> made of the result.</returns>
    /// <exception cref="AgentException">The operation failed.</exception>
    internal T Finish<T>(IOperationSink sink, Func<NativeList, T> convert)
    {
        T result = default!;
        bool hasResult = false;
        AgentException? failure = null;

        while (true)
        {
            var next = new NativeEvent { Size = Sizes.Of<NativeEvent>() };
            int answer = NativeMethods.OpNext(handle, LookMs, ref next);

            if (answer == NativeMethods.NextNone)
            {
                sink.Idle();
                continue;
            }
            if (answer != NativeMethods.NextEvent)
            {
                throw new InvalidOperationException("ecsagent_op_next refused the call");
            }
            switch (next.Kind)
            {
                case NativeEventKind.Progress:
                    sink.Progress(NativeReader.TextOrEmpty(next.Activity), NativeReader.TextOrEmpty(next.Text),
                                  next.Percent, next.SecondsLeft);
                    break;
                case NativeEventKind.Verbose:
                    sink.Verbose(NativeReader.TextOrEmpty(next.Text));
                    break;
                case NativeEventKind.Warning:
                    sink.Warning(NativeReader.TextOrEmpty(next.Text));
                    break;
                case NativeEventKind.Result:
                    result = convert(NativeReader.Struct<NativeList>(next.Result));
                    hasResult = true;
                    break;
                case NativeEventKind.Error:
                    failure = AgentException.From(NativeReader.Struct<NativeError>(next.Error));
                    break;
                case NativeEventKind.Done:
                    if (failure is not null)
                    {
                        throw failure;
                    }
                    return hasResult
                        ? result
                        : throw new InvalidOperationException("the operation ended without a result");
            }
        }
    }

    /// <summary>From any thread.</summary>
    internal void Cancel()
    {
        try
        {
            NativeMethods.OpCancel(handle);
        }
        catch (ObjectDisposedException)
        {
            // It has just ended by itself.
        }
    }

    public void Dispose() => handle.Dispose();
}

/// <summary>Where an operation's messages go.</summary>
internal interface IOperationSink
{
    void Progress(string activity, string step, int percent, int secondsLeft);
    void Verbose(string text);
    void Warning(string text);

    /// <summary>Nothing came for a while.</summary>
    void Idle();
}
