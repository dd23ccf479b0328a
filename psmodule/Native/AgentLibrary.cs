using System;
using System.IO;
using System.Management.Automation;

namespace EcsTools.Native;

/// <summary>Whether the native library is there, is ours and speaks this module's ABI.</summary>
internal static class AgentLibrary
{
    /// <summary>Folder of this assembly, which also holds the library and the agent's programs.</summary>
    internal static string Folder { get; } = Path.GetDirectoryName(typeof(AgentLibrary).Assembly.Location) ?? "";

    private static bool checkedOnce;

    /// <exception cref="AgentException">It is not; the text says what to do.</exception>
    internal static void Check()
    {
        if (checkedOnce)
        {
            return;
        }
        uint version;
        try
        {
            version = NativeMethods.GetAbiVersion();
        }
        catch (DllNotFoundException e)
        {
            throw Broken("the agent's native library cannot be loaded from " + Folder, e);
        }
        catch (BadImageFormatException e)
        {
            throw Broken($"the native library in {Folder} is not made for this process (64 bit: {Environment.Is64BitProcess})", e);
        }
        catch (EntryPointNotFoundException e)
        {
            throw Broken("the native library in " + Folder + " is not the agent's", e);
        }
        if (version != NativeMethods.AbiVersion)
        {
            throw Broken($"the native library in {Folder} has ABI {version}, this module needs {NativeMethods.AbiVersion}", null);
        }
        checkedOnce = true;
    }

    private static AgentException Broken(string text, Exception? inner) =>
        new("LIBRARY", ErrorCategory.ResourceUnavailable, text,
            "Install the whole module again, or run `make` in a checkout, and start a new 64-bit PowerShell.",
            retryable: false, exitCode: 5, inner: inner);
}
