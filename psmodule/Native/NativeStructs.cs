using System;
using System.Runtime.InteropServices;

namespace EcsTools.Native;

// One struct for each struct of native/ecsagent.h, in its order; what the members mean stands there.

[StructLayout(LayoutKind.Sequential)]
internal struct NativeList
{
    public uint Size;
    public NativeType Type;
    public uint Count;
    public uint Stride;
    public IntPtr Items;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeError
{
    public uint Size;
    public int Code;
    public int Sys;
    public uint Retryable;
    public int ExitCode;
    public uint Reserved;
    public IntPtr Name;
    public IntPtr Category;
    public IntPtr Text;
    public IntPtr Advice;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeEvent
{
    public uint Size;
    public NativeEventKind Kind;
    public int Percent;
    public int SecondsLeft;
    public IntPtr Activity;
    public IntPtr Text;
    public IntPtr Result;
    public IntPtr Error;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeInitializeParams
{
    public uint Size;
    public uint EnvCount;
    public IntPtr Env;
    public IntPtr ProgramDir;
    public IntPtr Cluster;
    public IntPtr LoggingDrivers;
    public NativeSwitch EnableTaskIamRole;
    public uint TimeoutS;
    public uint WhatIf;
    public uint Force;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeServiceParams
{
    public uint Size;
    public uint EnvCount;
    public IntPtr Env;
    public NativeServiceAction Action;
    public uint TimeoutS;
    public uint WhatIf;
    public uint Reserved;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeUninstallParams
{
    public uint Size;
    public uint EnvCount;
    public IntPtr Env;
    public uint KeepData;
    public uint TimeoutS;
    public uint WhatIf;
    public uint Reserved;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeAction
{
    public uint Size;
    public uint Reserved;
    public IntPtr Verb;
    public IntPtr Target;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeWait
{
    public uint Size;
    public uint Attempts;
    public IntPtr Name;
    public IntPtr What;
    public IntPtr LastError;
    public long SinceMs;
    public long NextTryMs;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeCapability
{
    public uint Size;
    public uint Offered;
    public IntPtr Name;
    public IntPtr Reason;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeStatus
{
    public uint Size;
    public uint State;
    public int Pid;
    public uint TaskRoleReady;
    public uint TasksPending;
    public uint TasksRunning;
    public uint TasksStopped;
    public uint Reserved;
    public IntPtr Cluster;
    public IntPtr ContainerInstanceArn;
    public IntPtr Version;
    public IntPtr WireVersion;
    public IntPtr DockerVersion;
    public IntPtr DockerApiVersion;
    public IntPtr Ec2InstanceId;
    public IntPtr Region;
    public IntPtr Endpoint;
    public IntPtr DataDir;
    public IntPtr LogFile;
    public long StartedMs;
    public long UptimeS;
    public long AcsConnectedMs;
    public long LastMetricsMs;
    public NativeList Waits;
    public NativeList Capabilities;
    public IntPtr MetricsReason;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeStatusParams
{
    public uint Size;
    public uint EnvCount;
    public IntPtr Env;
    public uint TimeoutS;
    public uint Reserved;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativePort
{
    public uint Size;
    public uint ContainerPort;
    public uint HostPort;
    public uint Reserved;
    public IntPtr Protocol;
    public IntPtr BindIp;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeContainer
{
    public uint Size;
    public uint Essential;
    public uint HasExitCode;
    public int ExitCode;
    public IntPtr Name;
    public IntPtr DockerId;
    public IntPtr DockerName;
    public IntPtr Image;
    public IntPtr ImageId;
    public IntPtr KnownStatus;
    public IntPtr DesiredStatus;
    public IntPtr Health;
    public IntPtr Reason;
    public long Cpu;
    public long MemoryMib;
    public long CreatedMs;
    public long StartedMs;
    public long FinishedMs;
    public NativeList Ports;
    public IntPtr Activity;
    public uint HasCpuPercent;
    public uint HasMemoryUsed;
    public double CpuPercent;
    public long MemoryUsedMib;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeTask
{
    public uint Size;
    public uint Reserved;
    public IntPtr Arn;
    public IntPtr Id;
    public IntPtr Family;
    public IntPtr Revision;
    public IntPtr KnownStatus;
    public IntPtr DesiredStatus;
    public IntPtr NetworkMode;
    public IntPtr RoleArn;
    public IntPtr StoppedReason;
    public long CreatedMs;
    public long PullStartedMs;
    public long PullStoppedMs;
    public long StartedMs;
    public long StoppedMs;
    public NativeList Containers;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeTasksParams
{
    public uint Size;
    public uint EnvCount;
    public IntPtr Env;
    public uint TimeoutS;
    public uint Reserved;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeStopTaskParams
{
    public uint Size;
    public uint EnvCount;
    public IntPtr Env;
    public IntPtr Task;
    public uint TimeoutS;
    public uint WhatIf;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeVariable
{
    public uint Size;
    public uint Reserved;
    public IntPtr Name;
    public IntPtr Value;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeLine
{
    public uint Size;
    public uint Reserved;
    public IntPtr Text;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeLocal
{
    public uint Size;
    public int Pid;
    public uint Port;
    public uint AlreadyRunning;
    public IntPtr Endpoint;
    public IntPtr ImdsEndpoint;
    public IntPtr Region;
    public IntPtr DataDir;
    public IntPtr LogFile;
    public NativeList Variables;
    public NativeList Lines;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeLocalUpParams
{
    public uint Size;
    public uint EnvCount;
    public IntPtr Env;
    public IntPtr ProgramDir;
    public IntPtr DataDir;
    public uint Port;
    public uint TimeoutS;
    public uint WhatIf;
    public uint Reserved;
    public IntPtr Registry;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeLocalDownParams
{
    public uint Size;
    public uint EnvCount;
    public IntPtr Env;
    public IntPtr DataDir;
    public uint RemoveData;
    public uint TimeoutS;
    public uint WhatIf;
    public uint Reserved;
}
