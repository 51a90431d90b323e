using System.Runtime.InteropServices;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>Represents the identity of a file, independent of its path.</summary>
internal readonly record struct FileIdentity(ulong Device, ulong Inode, uint Owner, int Mode)
{
    /// <summary>Gets the number of the names of the file, which is not a part of its identity.</summary>
    public uint Links { get; private init; }

    /// <summary>Gets whether the file is a regular one.</summary>
    public bool IsRegular => (Mode & TypeMask) == RegularFile;

    /// <summary>Gets the permissions of the file.</summary>
    public int Permissions => Mode & PermissionMask;

    /// <summary>Returns whether both are the same file.</summary>
    public bool Equals(FileIdentity other) => Device == other.Device && Inode == other.Inode;

    /// <inheritdoc/>
    public override int GetHashCode() => (Device, Inode).GetHashCode();

    /// <summary>Returns the identity of an open file.</summary>
    public static unsafe FileIdentity Of(SafeHandle file)
    {
        if (Host.IsMacOS)
        {
            Libc.MacStatBuffer mac;
            Require(IsIntel ? Libc.FstatMacIntel(file, &mac) : Libc.FstatMac(file, &mac));
            return From(mac);
        }

        Libc.StatxBuffer buffer;
        Require(Libc.Statx(file, string.Empty, EmptyPath, StatxOfMap, &buffer));
        return From(buffer);
    }

    /// <summary>Returns the identity of the file at a path, or null. Does not follow a link.</summary>
    public static unsafe FileIdentity? At(string path)
    {
        if (Host.IsMacOS)
        {
            Libc.MacStatBuffer mac;
            return Found(IsIntel ? Libc.LstatMacIntel(path, &mac) : Libc.LstatMac(path, &mac))
                ? From(mac)
                : null;
        }

        Libc.StatxBuffer buffer;
        return Found(Libc.Statx(CurrentDirectory, path, DoNotFollowLink, StatxOfMap, &buffer))
            ? From(buffer)
            : null;
    }

    /// <summary>Returns the identity of the file that a link of Linux's /proc leads to, or null.</summary>
    public static unsafe FileIdentity? Behind(string link)
    {
        Libc.StatxBuffer buffer;
        return Found(Libc.Statx(CurrentDirectory, link, 0, StatxOfMap, &buffer)) ? From(buffer) : null;
    }

    // macOS has no statx. This code follows <sys/stat.h>, but has not been tested.
    private static bool IsIntel => RuntimeInformation.ProcessArchitecture == Architecture.X64;

    private static FileIdentity From(in Libc.MacStatBuffer buffer) =>
        new((uint)buffer.Device, buffer.Inode, buffer.Owner, buffer.Mode) { Links = buffer.Links };

    private static FileIdentity From(in Libc.StatxBuffer buffer) => new(
        ((ulong)buffer.DeviceMajor << 32) | buffer.DeviceMinor,
        buffer.Inode,
        buffer.Owner,
        buffer.Mode)
    {
        Links = buffer.Links,
    };

    private static bool Found(int result)
    {
        if (result < 0 && Marshal.GetLastWin32Error() is NoEntry or NotDirectory)
        {
            return false;
        }

        Require(result);
        return true;
    }

    private static void Require(int result)
    {
        if (result < 0)
        {
            throw PosixError.Last("reading the status of a file");
        }
    }
}
