using System.Diagnostics;
using Xunit;

// The cmdlets read the process's environment, and it chooses the fake's script: one test at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace EcsTools.Tests;

/// <summary>
/// Folders that hold the module as a release does, each with another native library: the fake of
/// fake/fake_ecsagent.c, one of another ABI, none at all.
/// </summary>
internal static class ModuleFolder
{
    public static string Root { get; } = FindRoot();

    private static readonly Lazy<string> fake = new(() => Make("fake", AbiOfHeader));
    private static readonly Lazy<string> otherAbi = new(() => Make("other-abi", "99u"));
    private static readonly Lazy<string> noLibrary = new(() => Make("no-library", null));

    private const string AbiOfHeader = "";

    /// <summary>The manifest of the module with the fake library.</summary>
    public static string Fake => fake.Value;
    public static string OtherAbi => otherAbi.Value;
    public static string NoLibrary => noLibrary.Value;

    /// <summary>Where tests may leave files.</summary>
    public static string Scratch(string name)
    {
        string path = Path.Combine(Root, "build", "out", "psmodule-tests", name);
        Directory.CreateDirectory(path);
        return path;
    }

    /// <summary>Runs a program and gives its standard output.</summary>
    public static string Tool(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {errors.Result}{output}");
        return output;
    }

    private static string Make(string name, string? abi)
    {
        string folder = Path.Combine(Scratch(name), "ECSTools");
        string bin = Path.Combine(folder, "psmodule", "bin");

        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
        Directory.CreateDirectory(bin);
        File.Copy(Path.Combine(Root, "ECSTools.psd1"), Path.Combine(folder, "ECSTools.psd1"));
        foreach (string file in Directory.GetFiles(Path.Combine(Root, "psmodule"), "*.ps1xml"))
        {
            File.Copy(file, Path.Combine(folder, "psmodule", Path.GetFileName(file)));
        }
        File.Copy(Path.Combine(Root, "psmodule", "bin", "ECSTools.dll"), Path.Combine(bin, "ECSTools.dll"));
        Tool(Path.Combine(Root, "psmodule", "help", "build.sh"), Path.Combine(folder, "en-US"));
        if (abi is not null)
        {
            CompileFake(Path.Combine(bin, "libecsagent.so"), abi);
        }
        return Path.Combine(folder, "ECSTools.psd1");
    }

    private static void CompileFake(string library, string abi)
    {
        List<string> arguments =
        [
            "-std=c17", "-D_GNU_SOURCE", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra",
            "-Wno-missing-field-initializers", "-Werror", "-I", Path.Combine(Root, "native"), "-o", library,
            Path.Combine(Root, "tests", "psmodule", "fake", "fake_ecsagent.c"), "-lpthread",
        ];
        if (abi.Length > 0)
        {
            arguments.Insert(0, $"-DFAKE_ABI={abi}");
        }
        Tool("gcc", [.. arguments]);
    }

    private static string FindRoot()
    {
        string? at = AppContext.BaseDirectory;
        while (at is not null && !File.Exists(Path.Combine(at, "ECSTools.psd1")))
        {
            at = Path.GetDirectoryName(at);
        }
        return at ?? throw new InvalidOperationException("the tests run outside of a checkout");
    }
}
