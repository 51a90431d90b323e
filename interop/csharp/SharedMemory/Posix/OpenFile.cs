using System.Runtime.InteropServices;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>Opens files as docs/named-maps.md requires.</summary>
internal static class OpenFile
{
    /// <summary>The beginning of the private names that new files of maps may have.</summary>
    public const string PrivatePrefix = ".pyshm-";

    /// <summary>Opens the file at a path.</summary>
    public static SafeHandle At(string path, int flags)
    {
        int descriptor = Libc.Open(path, flags);
        return descriptor >= 0
            ? Descriptors.Own(descriptor)
            : throw PosixError.Last(path);
    }

    /// <summary>Opens the file of the map <paramref name="name"/>.</summary>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The file is not regular, another user owns it, or its mode or names are not those of a map's.
    /// </exception>
    public static SafeHandle OfMap(string path, string name)
    {
        int descriptor = Libc.Open(path, ReadWrite | NoFollow | CloseOnExec | NonBlocking);
        if (descriptor < 0)
        {
            int number = Marshal.GetLastWin32Error();
            if (number is NoEntry or NotDirectory)
            {
                throw new FileNotFoundException($"There is no map with the name \"{name}\".", path);
            }

            bool isIrregular = number is IsDirectory or NoDevice or NoSuchDevice || number == TooManyLinks;
            throw isIrregular
                ? NotRegular(path, name)
                : PosixError.Of(number, $"The file {path} of map \"{name}\"");
        }

        var file = Descriptors.Own(descriptor);
        try
        {
            FileIdentity found = FileIdentity.Of(file);
            if (!found.IsRegular)
            {
                throw NotRegular(path, name);
            }

            return WhyNotTrusted(found, file, path) is string reason
                ? throw NotTrusted(path, name, reason)
                : file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Returns whether the path is that of the open file.</summary>
    public static bool IsAt(string path, SafeHandle file) =>
        FileIdentity.At(path) == FileIdentity.Of(file);

    /// <summary>
    /// Returns why a regular file can't be that of a map of this user, or null. Another user may have
    /// given it this name.
    /// </summary>
    private static string? WhyNotTrusted(FileIdentity found, SafeHandle file, string path)
    {
        if (found.Owner != Libc.EffectiveUser())
        {
            return $"belongs to another user ({found.Owner})";
        }

        if (found.Permissions != OwnerOnly)
        {
            return $"has mode 0{Convert.ToString(found.Permissions, 8)} and not 0600";
        }

        if (found.Links <= 1 || IsBeingCreated(found, path))
        {
            return null;
        }

        // Its creator may have removed the private name meanwhile.
        uint links = FileIdentity.Of(file).Links;
        return links > 1 ? $"has {links} names (hard links)" : null;
    }

    /// <summary>
    /// Returns whether the second name of a file is the private one that its creator gives it.
    /// </summary>
    private static bool IsBeingCreated(FileIdentity found, string path) =>
        found.Links == 2
        && Directory.EnumerateFiles(Path.GetDirectoryName(path)!, PrivatePrefix + "*")
            .Any(entry => FileIdentity.At(entry) is FileIdentity other && other == found);

    private static UnauthorizedAccessException NotTrusted(string path, string name, string reason) =>
        new($"Map \"{name}\": its file {path} {reason}, so it is not opened.");

    private static UnauthorizedAccessException NotRegular(string path, string name) => new(
        $"Map \"{name}\": {path} is not a regular file (a link, directory or device), so it is not opened.");
}
