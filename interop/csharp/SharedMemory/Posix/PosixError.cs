using System.Runtime.InteropServices;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>The exceptions that .NET throws on Windows, for the error numbers of system calls.</summary>
internal static class PosixError
{
    private const int ErrorAlreadyExists = unchecked((int)0x800700B7);

    /// <summary>The exception for the last system call that failed on this thread.</summary>
    public static Exception Last(string what) => Of(Marshal.GetLastPInvokeError(), what);

    /// <summary>The exception for an error number; <paramref name="what"/> begins the sentence.</summary>
    public static Exception Of(int number, string what)
    {
        string message = $"{what}: {Marshal.GetPInvokeErrorMessage(number)}";
        return number switch
        {
            AccessDenied or NoPermission or ReadOnlyFileSystem or IsDirectory =>
                new UnauthorizedAccessException(message),
            Exists => new IOException(message, ErrorAlreadyExists),
            NoEntry or NotDirectory => new FileNotFoundException(message),
            _ => new IOException(message, number),
        };
    }

    /// <summary>Whether it is what CreateNew throws for a name in use.</summary>
    public static bool IsNameExists(IOException error) => error.HResult == ErrorAlreadyExists;

    /// <summary>What CreateNew throws for a name in use.</summary>
    public static IOException NameExists(string name) =>
        new($"A map named \"{name}\" exists already.", ErrorAlreadyExists);
}
