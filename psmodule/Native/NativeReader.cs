using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

namespace EcsTools.Native;

/// <summary>Copies what the library lent into managed values; nothing of it is kept.</summary>
internal static class NativeReader
{
    private static readonly DateTime Epoch = new(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    internal static string? Text(IntPtr utf8)
    {
        if (utf8 == IntPtr.Zero)
        {
            return null;
        }
        int length = 0;
        while (Marshal.ReadByte(utf8, length) != 0)
        {
            length++;
        }
        var bytes = new byte[length];
        Marshal.Copy(utf8, bytes, 0, length);
        return Encoding.UTF8.GetString(bytes);
    }

    internal static string TextOrEmpty(IntPtr utf8) => Text(utf8) ?? "";

    /// <summary>Local time, as PowerShell shows times; null for "never".</summary>
    internal static DateTime? Time(long ms) => ms == 0 ? null : Epoch.AddMilliseconds(ms).ToLocalTime();

    internal static T Struct<T>(IntPtr at) where T : struct
    {
        int have = Marshal.ReadInt32(at);
        int want = Marshal.SizeOf(typeof(T));

        if (have >= want)
        {
            return (T)Marshal.PtrToStructure(at, typeof(T));
        }
        // From an older library: the members it does not know read as zero.
        var bytes = new byte[want];
        Marshal.Copy(at, bytes, 0, Math.Max(have, 0));
        GCHandle pin = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        try
        {
            return (T)Marshal.PtrToStructure(pin.AddrOfPinnedObject(), typeof(T));
        }
        finally
        {
            pin.Free();
        }
    }

    internal static List<TTo> List<TFrom, TTo>(NativeList list, Func<TFrom, TTo> convert) where TFrom : struct
    {
        var all = new List<TTo>();

        for (uint i = 0; i < list.Count; i++)
        {
            all.Add(convert(Struct<TFrom>(new IntPtr(list.Items.ToInt64() + (long)i * list.Stride))));
        }
        return all;
    }
}
