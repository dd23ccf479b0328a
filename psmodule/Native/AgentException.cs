using System;
using System.Globalization;
using System.Management.Automation;
using System.Text;

namespace EcsTools.Native;

/// <summary>Why the agent, or the way to it, failed: `ecsagent_error` as an exception.</summary>
public sealed class AgentException : Exception
{
    /// <summary>Name of the error code in the library: TIMEOUT, UNREACHABLE ...</summary>
    public string CodeName { get; }

    /// <summary>errno, GetLastError() or a library's own number; 0 if there is none.</summary>
    public int SystemCode { get; }

    /// <summary>The same call may work later.</summary>
    public bool Retryable { get; }

    /// <summary>What a script should end with: 1 try again, 5 an operator must act.</summary>
    public int ExitCode { get; }

    /// <summary>The next step for the operator, or null.</summary>
    public string? Advice { get; }

    private readonly ErrorCategory category;

    internal AgentException(string codeName, ErrorCategory category, string text, string? advice, bool retryable,
                            int exitCode, int systemCode = 0, Exception? inner = null)
        : base(advice is null ? text : text.TrimEnd('.') + ". " + advice, inner)
    {
        CodeName = codeName;
        SystemCode = systemCode;
        Retryable = retryable;
        ExitCode = exitCode;
        Advice = advice;
        this.category = category;
    }

    internal static AgentException From(NativeError error)
    {
        if (!Enum.TryParse(NativeReader.Text(error.Category), out ErrorCategory category))
        {
            category = ErrorCategory.NotSpecified;
        }
        return new AgentException(NativeReader.TextOrEmpty(error.Name), category,
                                  NativeReader.TextOrEmpty(error.Text), NativeReader.Text(error.Advice),
                                  error.Retryable != 0, error.ExitCode, error.Sys);
    }

    internal ErrorRecord ToErrorRecord(object? target) => new(this, ErrorId(CodeName), category, target);

    /// <summary>NOT_FOUND becomes ECSNotFound.</summary>
    private static string ErrorId(string codeName)
    {
        var id = new StringBuilder("ECS");

        foreach (string word in codeName.Split(['_'], StringSplitOptions.RemoveEmptyEntries))
        {
            id.Append(word.Substring(0, 1).ToUpperInvariant());
            id.Append(word.Substring(1).ToLower(CultureInfo.InvariantCulture));
        }
        return id.ToString();
    }
}
