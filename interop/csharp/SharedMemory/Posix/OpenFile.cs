using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>Opens files as docs/named-maps.md requires.</summary>
internal static class OpenFile
{
    /// <summary>Opens the file at a path.</summary>
    public static SafeFileHandle At(string path, int flags)
    {
        int descriptor = Libc.Open(path, flags);
        return descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw PosixError.Last(path);
    }

    /// <summary>Opens the file of the map <paramref name="name"/>.</summary>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The file is not regular, or another user owns it.
    /// </exception>
    public static SafeFileHandle OfMap(string path, string name)
    {
        int descriptor = Libc.Open(path, ReadWrite | NoFollow | CloseOnExec | NonBlocking);
        if (descriptor < 0)
        {
            int number = Marshal.GetLastPInvokeError();
            if (number is NoEntry or NotDirectory)
            {
                throw new FileNotFoundException($"There is no map with the name \"{name}\".", path);
            }

            bool isIrregular = number is IsDirectory or NoDevice or NoSuchDevice || number == TooManyLinks;
            throw isIrregular
                ? NotRegular(path, name)
                : PosixError.Of(number, $"The file {path} of map \"{name}\"");
        }

        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            FileIdentity found = FileIdentity.Of(file);
            if (!found.IsRegular)
            {
                throw NotRegular(path, name);
            }

            return found.Owner == Libc.EffectiveUser() ? file : throw NotTrusted(path, name, found);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Returns whether the path is that of the open file.</summary>
    public static bool IsAt(string path, SafeFileHandle file) =>
        FileIdentity.At(path) == FileIdentity.Of(file);

    private static UnauthorizedAccessException NotTrusted(
        string path, string name, FileIdentity found) => new(
        $"Map \"{name}\": its file {path} belongs to another user ({found.Owner}), so it is not opened.");

    private static UnauthorizedAccessException NotRegular(string path, string name) => new(
        $"Map \"{name}\": {path} is not a regular file (a link, directory or device), so it is not opened.");
}
