using System;
using Microsoft.Win32.SafeHandles;

namespace EcsTools.Native;

/// <summary>
/// One operation of the library; the only place that frees it. Being a SafeHandle it outlives a
/// cancel that another thread is in the middle of.
/// </summary>
internal sealed class AgentHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    private AgentHandle() : base(ownsHandle: true) { }

    protected override bool ReleaseHandle()
    {
        NativeMethods.OpFree(handle);
        return true;
    }
}
