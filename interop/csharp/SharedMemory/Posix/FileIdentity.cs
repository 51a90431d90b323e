using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>Which file something is, whatever path leads to it.</summary>
internal readonly record struct FileIdentity(ulong Device, ulong Inode, bool IsRegular, uint Owner)
{
    /// <summary>The open file.</summary>
    public static unsafe FileIdentity Of(SafeFileHandle file)
    {
        if (OperatingSystem.IsMacOS())
        {
            Libc.MacStatBuffer mac;
            Require(IsIntel ? Libc.FstatMacIntel(file, &mac) : Libc.FstatMac(file, &mac));
            return From(mac);
        }

        Libc.StatxBuffer buffer;
        Require(Libc.Statx(file, string.Empty, EmptyPath, StatxTypeOwnerAndInode, &buffer));
        return From(buffer);
    }

    /// <summary>What is at the path, a link itself rather than its target; null if there is nothing.</summary>
    public static unsafe FileIdentity? At(string path)
    {
        if (OperatingSystem.IsMacOS())
        {
            Libc.MacStatBuffer mac;
            return Found(IsIntel ? Libc.LstatMacIntel(path, &mac) : Libc.LstatMac(path, &mac))
                ? From(mac)
                : null;
        }

        Libc.StatxBuffer buffer;
        return Found(Libc.Statx(CurrentDirectory, path, DoNotFollowLink, StatxTypeOwnerAndInode, &buffer))
            ? From(buffer)
            : null;
    }

    // macOS has no statx. Its branches follow <sys/stat.h> and were never run.
    private static bool IsIntel => RuntimeInformation.ProcessArchitecture == Architecture.X64;

    private static FileIdentity From(in Libc.MacStatBuffer buffer) =>
        new((uint)buffer.Device, buffer.Inode, (buffer.Mode & TypeMask) == RegularFile, buffer.Owner);

    private static FileIdentity From(in Libc.StatxBuffer buffer) => new(
        ((ulong)buffer.DeviceMajor << 32) | buffer.DeviceMinor,
        buffer.Inode,
        (buffer.Mode & TypeMask) == RegularFile,
        buffer.Owner);

    private static bool Found(int result)
    {
        if (result < 0 && Marshal.GetLastPInvokeError() is NoEntry or NotDirectory)
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
            throw PosixError.Last("asking which file it is");
        }
    }
}
