using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>
/// Finds the processes that use a file, in Linux's /proc. A user sees only processes of the same
/// user; root sees all.
/// </summary>
internal static class FileUsers
{
    private const string Processes = "/proc";
    private const int Longest = 1000; // characters of a command line

    /// <summary>
    /// Returns which processes have a file open or mapped, with the verb "use"; null for none, and for
    /// a file with the mark of a map, which a view uses. A descriptor with which a process examines the
    /// file of a map does not count.
    /// </summary>
    /// <exception cref="IOException">
    /// This process has no descriptor left to look with. The file is not unused then.
    /// </exception>
    public static string? Describe(SafeHandle file)
    {
        if (!Host.IsLinux || MapMark.Has(file))
        {
            return null;
        }

        FileIdentity identity = FileIdentity.Of(file);
        string[] found =
        [
            .. Directory.EnumerateDirectories(Processes)
                .Where(folder => int.TryParse(
                    Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out _))
                .Where(folder => HasOpen(folder, identity) || HasMapped(folder, identity))
                .Select(folder => $"{Path.GetFileName(folder)} ({Command(folder)})"),
        ];
        return found.Length switch
        {
            0 => null,
            1 => $"process {found[0]} uses",
            _ => $"processes {string.Join(", ", found)} use",
        };
    }

    private static bool HasOpen(string folder, FileIdentity file)
    {
        try
        {
            return Directory.GetFileSystemEntries(Path.Combine(folder, "fd"))
                .Any(link => LeadsTo(link, file) && !IsExamining(folder, link));
        }
        catch (Exception error) when (IsNotVisible(error))
        {
            return false;
        }
    }

    private static bool LeadsTo(string link, FileIdentity file)
    {
        try
        {
            return FileIdentity.Behind(link) == file;
        }
        catch (Exception error) when (IsNotVisible(error))
        {
            return false;
        }
    }

    /// <summary>Returns whether a descriptor has the flags of OpenFile.OfMap, or is closed now.</summary>
    private static bool IsExamining(string folder, string link)
    {
        try
        {
            const string label = "flags:";
            string line = File.ReadLines(Path.Combine(folder, "fdinfo", Path.GetFileName(link)))
                .First(line => line.StartsWith(label, StringComparison.Ordinal));
            int flags = Convert.ToInt32(line.Substring(label.Length).Trim(), 8);
            return (flags & (NoFollow | NonBlocking)) == (NoFollow | NonBlocking);
        }
        catch (Exception error) when (IsNotVisible(error))
        {
            return true;
        }
    }

    private static bool HasMapped(string folder, FileIdentity file)
    {
        // address, permissions, offset, device, inode, path
        string device = $"{file.Device >> 32:x2}:{(uint)file.Device:x2}";
        string inode = file.Inode.ToString(CultureInfo.InvariantCulture);
        try
        {
            return File.ReadLines(Path.Combine(folder, "maps"))
                .Select(line => line.Split([' '], 6))
                .Any(fields => fields[3] == device && fields[4] == inode);
        }
        catch (Exception error) when (IsNotVisible(error))
        {
            return false;
        }
    }

    /// <summary>Returns the command line of a process as one line, which a terminal can show.</summary>
    private static string Command(string folder)
    {
        // A program can overwrite its cmdline.
        foreach (string name in (string[])["cmdline", "comm"])
        {
            try
            {
                string text = File.ReadAllText(Path.Combine(folder, name)).TrimEnd('\0', '\n');
                if (text.Length > 0)
                {
                    text = text.Replace('\0', ' ');
                    return text.Length > Longest ? Visible(text.Substring(0, Longest)) + "…" : Visible(text);
                }
            }
            catch (Exception error) when (IsNotVisible(error))
            {
                // Try the other one.
            }
        }

        return "?";
    }

    /// <summary>
    /// Returns the text with escapes, those of Python, for what ends a line, controls a terminal or is
    /// invisible. Any program chooses its command line.
    /// </summary>
    private static string Visible(string text)
    {
        var shown = new StringBuilder(text.Length);
        for (int index = 0; index < text.Length; index++)
        {
            bool isPair = char.IsSurrogatePair(text, index);
            int code = isPair ? char.ConvertToUtf32(text, index) : text[index];
            if (code == ' ' || IsPrintable(CharUnicodeInfo.GetUnicodeCategory(text, index)))
            {
                shown.Append(text, index, isPair ? 2 : 1);
            }
            else
            {
                shown.Append(code switch
                {
                    '\t' => @"\t",
                    '\n' => @"\n",
                    '\r' => @"\r",
                    < 0x100 => $@"\x{code:x2}",
                    < 0x10000 => $@"\u{code:x4}",
                    _ => $@"\U{code:x8}",
                });
            }

            index += isPair ? 1 : 0;
        }

        return shown.ToString();
    }

    private static bool IsPrintable(UnicodeCategory category) =>
        category is not (UnicodeCategory.Control
            or UnicodeCategory.Format
            or UnicodeCategory.Surrogate
            or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned
            or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.SpaceSeparator);

    /// <summary>
    /// Returns whether the process is another user's, or has just ended. This process can also lack
    /// descriptors or memory, which means nothing of the kind.
    /// </summary>
    private static bool IsNotVisible(Exception error) =>
        error is UnauthorizedAccessException
        || (error is IOException && error.HResult is not (TooManyOpen or TooManyOpenInSystem or NoMemory));
}
