using System.Text;

namespace SharedMemory;

/// <summary>Checks names of maps. docs/named-maps.md, "Names", has the rules.</summary>
public static class MapName
{
    private const int MaxBytes = 255;

    private static readonly string[] s_namespaces = [@"Local\", @"Global\"];

    /// <summary>Checks a name by the rules of this operating system.</summary>
    /// <param name="mapName">The name.</param>
    /// <returns>
    /// The same name on Windows, where the kernel checks it; the name of the file on other systems.
    /// </returns>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    /// <exception cref="ArgumentException">The name breaks a rule. The message says which.</exception>
    public static string Check(string mapName)
    {
        Guard.NotNull(mapName);
        bool isWindows = Host.IsWindows;
        string name = isWindows ? mapName : WithoutNamespace(mapName);
        string? rule = name.Length == 0 ? "must not be empty" : isWindows ? null : BrokenFileRule(name);
        return rule is null
            ? name
            : throw new ArgumentException($"Map name \"{mapName}\": {rule}.", nameof(mapName));
    }

    private static string WithoutNamespace(string name)
    {
        foreach (string prefix in s_namespaces)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                return name.Substring(prefix.Length);
            }
        }

        return name;
    }

    private static string? BrokenFileRule(string rest) => rest switch
    {
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

    // A lone surrogate becomes U+FFFD.
    private static bool HasLoneSurrogate(string text) =>
        Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) != text;
}
