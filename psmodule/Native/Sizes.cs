using System.Runtime.InteropServices;

namespace EcsTools.Native;

internal static class Sizes
{
    internal static uint Of<T>() where T : struct => (uint)Marshal.SizeOf(typeof(T));
}
