using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace EcsTools.Tests;

/// <summary>The managed picture of native/ecsagent.h against the header as a C compiler sees it.</summary>
public sealed class AbiTests
{
    private static readonly string header = Path.Combine(ModuleFolder.Root, "native", "ecsagent.h");
    private static readonly Assembly module = Assembly.LoadFrom(
        Path.Combine(Path.GetDirectoryName(ModuleFolder.Fake)!, "psmodule", "bin", "ECSTools.dll"));

    private static IEnumerable<Type> Structs => module.GetTypes()
        .Where(type => type.Namespace == "EcsTools.Native" && type.IsValueType && !type.IsEnum && !type.IsNested);

    private static Type Methods => module.GetType("EcsTools.Native.NativeMethods")!;

    /// <summary>NativeLocalUpParams.TimeoutS is ecsagent_local_up_params.timeout_s.</summary>
    private static string Snake(string name) => Regex.Replace(name, "(?<!^)([A-Z])", "_$1").ToLowerInvariant();

    private static string CName(Type type) => "ecsagent_" + Snake(type.Name["Native".Length..]);

    private static string CName(FieldInfo field) => Snake(field.Name);

    private static string Compile(string name, string source)
    {
        string folder = ModuleFolder.Scratch("abi");
        string file = Path.Combine(folder, name + ".c");
        string program = Path.Combine(folder, name);

        File.WriteAllText(file, source);
        ModuleFolder.Tool("gcc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-I", Path.GetDirectoryName(header)!,
                          "-o", program, file);
        return ModuleFolder.Tool(program);
    }

    [Fact]
    public void Each_struct_has_the_size_and_offsets_that_C_gives_it()
    {
        var source = new StringBuilder("#include \"ecsagent.h\"\n#include <stddef.h>\n#include <stdio.h>\nint main(void)\n{\n");
        var want = new StringBuilder();

        foreach (Type type in Structs)
        {
            source.Append($"    printf(\"{CName(type)} %zu\\n\", sizeof({CName(type)}));\n");
            want.Append($"{CName(type)} {Marshal.SizeOf(type)}\n");
            foreach (FieldInfo field in type.GetFields())
            {
                string member = $"{CName(type)}, {CName(field)}";
                source.Append($"    printf(\"{member} %zu %zu\\n\", offsetof({member}), sizeof((({CName(type)} *)0)->{CName(field)}));\n");
                Type stored = field.FieldType.IsEnum ? Enum.GetUnderlyingType(field.FieldType) : field.FieldType;
                want.Append($"{member} {Marshal.OffsetOf(type, field.Name)} {Marshal.SizeOf(stored)}\n");
            }
        }
        source.Append("    return 0;\n}\n");

        Assert.Equal(want.ToString(), Compile("offsets", source.ToString()));
    }

    [Fact]
    public void Each_struct_of_the_header_has_its_managed_twin()
    {
        IEnumerable<string> inHeader = Regex.Matches(File.ReadAllText(header), @"typedef struct (ecsagent_\w+) \{")
            .Select(match => match.Groups[1].Value);

        Assert.Equal(inHeader.Order(), Structs.Select(CName).Order());
    }

    [Fact]
    public void Each_struct_of_the_header_has_as_many_members_as_its_twin()
    {
        string text = Regex.Replace(File.ReadAllText(header), @"/\*.*?\*/", "", RegexOptions.Singleline);

        foreach (Type type in Structs)
        {
            Match body = Regex.Match(text, $@"typedef struct {CName(type)} \{{(.*?)\}} {CName(type)};", RegexOptions.Singleline);
            Assert.True(body.Success, CName(type));
            Assert.Equal(body.Groups[1].Value.Count(c => c == ';'), type.GetFields().Length);
        }
    }

    [Fact]
    public void Constants_have_the_values_of_the_header()
    {
        (string Name, object Value)[] rows =
        [
            ("ECSAGENT_ABI_VERSION", Constant("AbiVersion")), ("ECSAGENT_STARTED", Constant("Started")),
            ("ECSAGENT_MISUSE", Constant("Misuse")), ("ECSAGENT_NO_MEMORY", Constant("NoMemory")),
            ("ECSAGENT_NEXT_NONE", Constant("NextNone")), ("ECSAGENT_NEXT_EVENT", Constant("NextEvent")),
            .. Members("NativeEventKind", "ECSAGENT_EVENT_"), .. Members("NativeType", "ECSAGENT_TYPE_"),
            .. Members("NativeSwitch", "ECSAGENT_"), .. Members("NativeServiceAction", "ECSAGENT_SERVICE_"),
            .. Enum.GetValues(module.GetType("EcsTools.EcsAgentState")!).Cast<object>()
                .Select(value => ("ECSAGENT_STATE_" + Snake(value.ToString()!).ToUpperInvariant(), value)),
        ];
        var source = new StringBuilder("#include \"ecsagent.h\"\n#include <stdio.h>\nint main(void)\n{\n");
        foreach ((string name, _) in rows)
        {
            source.Append($"    printf(\"{name} %d\\n\", (int){name});\n");
        }
        source.Append("    return 0;\n}\n");

        Assert.Equal(string.Concat(rows.Select(row => $"{row.Name} {Convert.ToInt64(row.Value)}\n")),
                     Compile("constants", source.ToString()));
    }

    [Fact]
    public void Each_call_is_exported_and_each_export_is_called_or_the_host_s()
    {
        string[] exported = File.ReadAllLines(Path.Combine(ModuleFolder.Root, "native", "ecsagent.sym"));
        string[] hostOnly = ["ecsagent_main", "ecsagent_version", "ecsagent_commit"];
        IEnumerable<string> called = Methods.GetMethods(BindingFlags.NonPublic | BindingFlags.Static)
            .Select(method => method.GetCustomAttribute<DllImportAttribute>()?.EntryPoint)
            .OfType<string>();

        Assert.Equal(exported.Except(hostOnly).Order(), called.Order());
    }

    [Fact]
    public void The_header_compiles_alone_without_hidden_padding()
    {
        string file = Path.Combine(ModuleFolder.Scratch("abi"), "alone.c");
        File.WriteAllText(file, "#include \"ecsagent.h\"\n");

        ModuleFolder.Tool("gcc", "-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Wpadded", "-Werror", "-fsyntax-only",
                          "-I", Path.GetDirectoryName(header)!, file);
        Assert.DoesNotContain("_WIN32", File.ReadAllText(header));
    }

    private static object Constant(string name) =>
        Methods.GetField(name, BindingFlags.NonPublic | BindingFlags.Static)!.GetRawConstantValue()!;

    private static IEnumerable<(string, object)> Members(string type, string prefix) =>
        Enum.GetValues(module.GetType("EcsTools.Native." + type)!).Cast<object>()
            .Select(value => (prefix + Snake(value.ToString()!).ToUpperInvariant(), value));
}
