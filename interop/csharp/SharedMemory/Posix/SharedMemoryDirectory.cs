namespace SharedMemory.Posix;

/// <summary>Finds the directory whose files are the named maps (docs/named-maps.md, "The file").</summary>
internal static class SharedMemoryDirectory
{
    private const string Variable = "PYSHM_DIRECTORY";
    private const string LinuxDefault = "/dev/shm";

    /// <summary>Returns the path of the directory.</summary>
    /// <exception cref="ArgumentException">PYSHM_DIRECTORY is not a directory.</exception>
    /// <exception cref="PlatformNotSupportedException">The system has no such directory.</exception>
    public static string Find()
    {
        string? chosen = Environment.GetEnvironmentVariable(Variable);
        if (chosen is { Length: > 0 })
        {
            return chosen[0] == '/' && Directory.Exists(chosen)
                ? chosen
                : throw new ArgumentException(
                    $"{Variable}=\"{chosen}\" is not the absolute path of a directory.");
        }

        if (Host.IsLinux && Directory.Exists(LinuxDefault))
        {
            return LinuxDefault;
        }

        throw new PlatformNotSupportedException(
            $"This system has no shared-memory directory. Set {Variable} to a directory that all programs use.");
    }
}
