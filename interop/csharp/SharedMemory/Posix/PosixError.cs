using System.Runtime.InteropServices;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>Converts error numbers of system calls to the exceptions that .NET throws on Windows.</summary>
internal static class PosixError
{
    private const int ErrorAlreadyExists = unchecked((int)0x800700B7);

    /// <summary>Returns the exception for the last failed system call of this thread.</summary>
    public static Exception Last(string operation) => Of(Marshal.GetLastWin32Error(), operation);

    /// <summary>
    /// Returns the exception for an error number. The message begins with
    /// <paramref name="operation"/>.
    /// </summary>
    public static Exception Of(int number, string operation)
    {
        string message = $"{operation}: {Marshal.PtrToStringAnsi(Libc.ErrorText(number))}";
        return number switch
        {
            AccessDenied or NoPermission or ReadOnlyFileSystem or IsDirectory =>
                new UnauthorizedAccessException(message),
            Exists => new IOException(message, ErrorAlreadyExists),
            NoEntry or NotDirectory => new FileNotFoundException(message),
            _ => new IOException(message, number),
        };
    }

    /// <summary>Returns whether CreateNew throws this error because the map exists.</summary>
    public static bool IsNameExists(IOException error) => error.HResult == ErrorAlreadyExists;

    /// <summary>Returns the exception of CreateNew for a map that exists.</summary>
    public static IOException NameExists(string name) =>
        new($"A map with the name \"{name}\" exists.", ErrorAlreadyExists);
}
