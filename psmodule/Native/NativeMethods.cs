using System;
using System.Runtime.InteropServices;

// Only the folder of this assembly and System32: nothing planted elsewhere on the search path loads.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.System32)]

namespace EcsTools.Native;

/// <summary>
/// native/ecsagent.h, member for member; a test compares sizes and offsets with C's. A string is an
/// IntPtr, because .NET Framework 4.6.2 has no UTF-8 marshaling: <see cref="NativeReader"/> reads it
/// and <see cref="NativeScope"/> makes it. "ecsagent" is ecsagent.dll or libecsagent.so beside this
/// assembly: both runtimes add what the system's names need.
/// </summary>
internal static class NativeMethods
{
    internal const string Library = "ecsagent";
    internal const uint AbiVersion = 1;

    internal const int Started = 0;
    internal const int Misuse = -1;
    internal const int NoMemory = -2;
    internal const int NextNone = 0;
    internal const int NextEvent = 1;

    [DllImport(Library, EntryPoint = "ecsagent_abi_version", ExactSpelling = true)]
    internal static extern uint GetAbiVersion();

    [DllImport(Library, EntryPoint = "ecsagent_op_next", ExactSpelling = true)]
    internal static extern int OpNext(AgentHandle op, int timeoutMs, ref NativeEvent next);

    [DllImport(Library, EntryPoint = "ecsagent_op_cancel", ExactSpelling = true)]
    internal static extern void OpCancel(AgentHandle op);

    [DllImport(Library, EntryPoint = "ecsagent_op_free", ExactSpelling = true)]
    internal static extern void OpFree(IntPtr op);

    [DllImport(Library, EntryPoint = "ecsagent_initialize_start", ExactSpelling = true)]
    internal static extern int InitializeStart(ref NativeInitializeParams parameters, out AgentHandle op);

    [DllImport(Library, EntryPoint = "ecsagent_service_start", ExactSpelling = true)]
    internal static extern int ServiceStart(ref NativeServiceParams parameters, out AgentHandle op);

    [DllImport(Library, EntryPoint = "ecsagent_uninstall_start", ExactSpelling = true)]
    internal static extern int UninstallStart(ref NativeUninstallParams parameters, out AgentHandle op);

    [DllImport(Library, EntryPoint = "ecsagent_status_start", ExactSpelling = true)]
    internal static extern int StatusStart(ref NativeStatusParams parameters, out AgentHandle op);

    [DllImport(Library, EntryPoint = "ecsagent_tasks_start", ExactSpelling = true)]
    internal static extern int TasksStart(ref NativeTasksParams parameters, out AgentHandle op);

    [DllImport(Library, EntryPoint = "ecsagent_stop_task_start", ExactSpelling = true)]
    internal static extern int StopTaskStart(ref NativeStopTaskParams parameters, out AgentHandle op);

    [DllImport(Library, EntryPoint = "ecsagent_local_up_start", ExactSpelling = true)]
    internal static extern int LocalUpStart(ref NativeLocalUpParams parameters, out AgentHandle op);

    [DllImport(Library, EntryPoint = "ecsagent_local_down_start", ExactSpelling = true)]
    internal static extern int LocalDownStart(ref NativeLocalDownParams parameters, out AgentHandle op);
}

internal enum NativeEventKind : uint
{
    Progress = 1,
    Verbose = 2,
    Warning = 3,
    Result = 4,
    Error = 5,
    Done = 6,
}

internal enum NativeType : uint
{
    None = 0,
    Action = 1,
    Status = 2,
    Wait = 3,
    Capability = 4,
    Task = 5,
    Container = 6,
    Port = 7,
    Local = 8,
    Variable = 9,
    Line = 10,
}

internal enum NativeSwitch : uint
{
    Keep = 0,
    On = 1,
    Off = 2,
}

internal enum NativeServiceAction : uint
{
    Start = 1,
    Stop = 2,
    Restart = 3,
}
