using System;
using System.Collections;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

namespace EcsTools.Native;

/// <summary>Native memory for one call's arguments; the library copies them before it returns.</summary>
internal sealed class NativeScope : IDisposable
{
    private readonly List<IntPtr> blocks = [];

    internal uint EnvCount { get; private set; }
    internal IntPtr Env { get; private set; }

    internal NativeScope() => AddEnvironment();

    internal IntPtr Text(string? text)
    {
        if (text is null)
        {
            return IntPtr.Zero;
        }
        byte[] bytes = Encoding.UTF8.GetBytes(text + "\0");
        IntPtr block = Allocate(bytes.Length);
        Marshal.Copy(bytes, 0, block, bytes.Length);
        return block;
    }

    /// <summary>
    /// The environment as .NET sees it: on Unix that is not the process's own, so what a script has
    /// set with $env: reaches the library only this way.
    /// </summary>
    private void AddEnvironment()
    {
        var texts = new List<IntPtr>();

        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            texts.Add(Text($"{entry.Key}={entry.Value}"));
        }
        Env = Allocate((texts.Count + 1) * IntPtr.Size);
        for (int i = 0; i < texts.Count; i++)
        {
            Marshal.WriteIntPtr(Env, i * IntPtr.Size, texts[i]);
        }
        Marshal.WriteIntPtr(Env, texts.Count * IntPtr.Size, IntPtr.Zero);
        EnvCount = (uint)texts.Count;
    }

    private IntPtr Allocate(int size)
    {
        IntPtr block = Marshal.AllocHGlobal(size);
        blocks.Add(block);
        return block;
    }

    public void Dispose()
    {
        foreach (IntPtr block in blocks)
        {
            Marshal.FreeHGlobal(block);
        }
        blocks.Clear();
    }
}
