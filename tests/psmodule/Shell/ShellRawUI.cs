using System.Management.Automation.Host;

namespace EcsTools.Shell;

/// <summary>Measures and keys of the terminal; a redirected output counts as 120 columns wide.</summary>
internal sealed class ShellRawUI : PSHostRawUserInterface
{
    private const int RedirectedWidth = 120;

    public static int Width
    {
        get
        {
            if (Console.IsOutputRedirected)
            {
                return RedirectedWidth;
            }
            int width = Console.WindowWidth;
            return width > 0 ? width : RedirectedWidth; // a bare pseudo terminal says 0
        }
    }

    private static int Height => Console.IsOutputRedirected || Console.WindowHeight <= 0 ? 50 : Console.WindowHeight;

    public override Size BufferSize { get => new(Width, Height); set => Refuse(); }
    public override Size WindowSize { get => new(Width, Height); set => Refuse(); }
    public override Size MaxWindowSize => new(Width, Height);
    public override Size MaxPhysicalWindowSize => new(Width, Height);
    public override Coordinates WindowPosition { get => new(0, 0); set => Refuse(); }
    public override Coordinates CursorPosition { get => new(0, 0); set => Refuse(); }
    public override int CursorSize { get => 25; set => Refuse(); }
    public override string WindowTitle { get; set; } = "psh";
    public override ConsoleColor ForegroundColor { get; set; } = ConsoleColor.Gray;
    public override ConsoleColor BackgroundColor { get; set; } = ConsoleColor.Black;
    public override bool KeyAvailable => !Console.IsInputRedirected && Console.KeyAvailable;

    public override KeyInfo ReadKey(ReadKeyOptions options)
    {
        ConsoleKeyInfo key = Console.ReadKey((options & ReadKeyOptions.NoEcho) != 0);
        return new KeyInfo((int)key.Key, key.KeyChar, 0, (options & ReadKeyOptions.IncludeKeyDown) != 0);
    }

    public override void FlushInputBuffer()
    {
        while (KeyAvailable)
        {
            Console.ReadKey(true);
        }
    }

    public override BufferCell[,] GetBufferContents(Rectangle rectangle) => throw Refusal();
    public override void SetBufferContents(Coordinates origin, BufferCell[,] contents) => Refuse();
    public override void SetBufferContents(Rectangle rectangle, BufferCell fill) => Refuse();
    public override void ScrollBufferContents(Rectangle source, Coordinates destination, Rectangle clip,
                                              BufferCell fill) => Refuse();

    private static void Refuse() => throw Refusal();
    private static NotSupportedException Refusal() => new("this host writes a stream of text, it has no screen buffer");
}
