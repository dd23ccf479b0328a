using System.Management.Automation;

namespace EcsTools.Shell;

/// <summary>
/// Progress: a bar on the last line of a terminal; in a log, where nothing can be redrawn, one line
/// for each new step.
/// </summary>
internal sealed class ProgressLine(bool terminal)
{
    private const int BarWidth = 24;
    private bool shown;
    private string? lastStep;

    public void Show(ProgressRecord record)
    {
        if (!terminal)
        {
            ShowStep(record);
            return;
        }
        Clear();
        if (record.RecordType == ProgressRecordType.Completed)
        {
            return;
        }
        int full = Math.Clamp(record.PercentComplete, 0, 100) * BarWidth / 100;
        string bar = record.PercentComplete < 0
            ? ""
            : $"[{new string('#', full)}{new string('.', BarWidth - full)}] {record.PercentComplete,3}% ";
        string left = record.SecondsRemaining >= 0 ? $" ({record.SecondsRemaining} s left)" : "";
        string line = $"{record.Activity} {bar}{record.StatusDescription}{left}";
        int width = Math.Max(ShellRawUI.Width - 1, 20);

        Console.Out.Write(line.Length > width ? line[..width] : line);
        Console.Out.Flush();
        shown = true;
    }

    public void Clear()
    {
        if (shown)
        {
            Console.Out.Write("\r\x1b[K");
            shown = false;
        }
    }

    private void ShowStep(ProgressRecord record)
    {
        string step = record.RecordType == ProgressRecordType.Completed ? "" : record.StatusDescription ?? "";

        if (step.Length > 0 && step != lastStep)
        {
            Console.Out.WriteLine($"{record.Activity}: {step}");
            Console.Out.Flush();
        }
        lastStep = step;
    }
}
