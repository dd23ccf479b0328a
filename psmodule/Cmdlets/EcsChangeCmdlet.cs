using System;
using System.Collections.Generic;
using System.Management.Automation;
using EcsTools.Native;

namespace EcsTools.Cmdlets;

/// <summary>
/// A cmdlet that changes the machine. With -WhatIf the library says what it would do, action by
/// action, and does nothing; else one question (-Confirm) covers the whole.
/// </summary>
public abstract class EcsChangeCmdlet : EcsCmdlet
{
    /// <summary>Starts the operation, or with <paramref name="whatIf"/> 1 its rehearsal.</summary>
    private protected delegate int ChangeStarter(NativeScope scope, uint whatIf, out AgentHandle op);

    /// <returns>What was made of the result, or null after -WhatIf and after a No.</returns>
    /// <exception cref="AgentException">The operation failed.</exception>
    private protected T? Change<T>(string target, string action, ChangeStarter start, Func<NativeList, T> convert)
        where T : class
    {
        if (IsWhatIf())
        {
            Rehearse(start);
            return null;
        }
        return ShouldProcess(target, action)
            ? Run((NativeScope scope, out AgentHandle op) => start(scope, 0, out op), convert)
            : null;
    }

    private void Rehearse(ChangeStarter start)
    {
        List<KeyValuePair<string, string>> actions =
            Run((NativeScope scope, out AgentHandle op) => start(scope, 1, out op),
                list => NativeReader.List<NativeAction, KeyValuePair<string, string>>(list, Action));

        foreach (KeyValuePair<string, string> action in actions)
        {
            ShouldProcess(action.Value, action.Key); // with -WhatIf it prints and says no
        }
        if (actions.Count == 0)
        {
            WriteVerbose("Nothing would change.");
        }
    }

    private static KeyValuePair<string, string> Action(NativeAction action) =>
        new(NativeReader.TextOrEmpty(action.Verb), NativeReader.TextOrEmpty(action.Target));

    private bool IsWhatIf()
    {
        object? value = MyInvocation.BoundParameters.TryGetValue("WhatIf", out object bound)
            ? bound
            : GetVariableValue("WhatIfPreference", false);
        return LanguagePrimitives.IsTrue(value);
    }
}
