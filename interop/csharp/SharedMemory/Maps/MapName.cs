using System.Text;

namespace SharedMemory;

/// <summary>What a map's name may be (docs/named-maps.md, "Names").</summary>
public static class MapName
{
    private const int MaxBytes = 255;

    private static readonly string[] s_namespaces = [@"Local\", @"Global\"];

    /// <summary>Checks a name by the rules of the running system.</summary>
    /// <param name="mapName">The name as the caller gives it.</param>
    /// <returns>The name as the system knows it: on Windows the same, elsewhere a file name.</returns>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    /// <exception cref="ArgumentException">The name breaks a rule, which the message names.</exception>
    public static string Check(string mapName)
    {
        ArgumentNullException.ThrowIfNull(mapName);
        string rest = WithoutNamespace(mapName);
        string? rule = OperatingSystem.IsWindows() ? BrokenKernelRule(rest) : BrokenFileRule(rest);
        if (rule is not null)
        {
            throw new ArgumentException($"Map name \"{mapName}\": {rule}.", nameof(mapName));
        }

        return OperatingSystem.IsWindows() ? mapName : rest;
    }

    private static string WithoutNamespace(string name)
    {
        foreach (string prefix in s_namespaces)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                return name[prefix.Length..];
            }
        }

        return name;
    }

    // The kernel's object names: the backslash separates directories, nothing else is special.
    private static string? BrokenKernelRule(string rest) => rest switch
    {
        "" => "must not be empty",
        _ when rest.Contains('\0') => "must not contain NUL",
        _ when rest.Contains('\\') => "must not contain a backslash behind its prefix",
        _ => null,
    };

    private static string? BrokenFileRule(string rest) => rest switch
    {
        "" => "must not be empty",
        _ when rest.Contains('\0') => "must not contain NUL",
        _ when rest.Contains('/') || rest.Contains('\\') => @"must not contain a separator (/ or \)",
        "." or ".." => "must not be \".\" or \"..\"",
        _ when HasLoneSurrogate(rest) => "must be encodable as UTF-8 (it contains a lone surrogate)",
        _ when rest.StartsWith('.') => "must not begin with \".\" (reserved for private files)",
        _ when rest.StartsWith("sem.", StringComparison.Ordinal) =>
            "must not begin with \"sem.\" (reserved for the C library's semaphores)",
        _ when Encoding.UTF8.GetByteCount(rest) > MaxBytes =>
            $"must not be longer than {MaxBytes} bytes of UTF-8",
        _ => null,
    };

    private static bool HasLoneSurrogate(string text)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            // Enumerating yields the replacement character for a lone surrogate; a real one passes.
            if (rune == Rune.ReplacementChar)
            {
                return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) != text;
            }
        }

        return false;
    }
}
