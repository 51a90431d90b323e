using System.Runtime.InteropServices;

// The runtime looks for the libraries of all functions in the folders of the system only.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.System32)]

namespace SharedMemory.Posix;

/// <summary>Has the system calls of docs/named-maps.md that .NET does not have.</summary>
internal static unsafe partial class Libc
{
    private const string Library = "libc";

    /// <summary>Represents struct flock of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct RecordLock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int ProcessId;
    }

    /// <summary>Represents struct timespec of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    /// <summary>Represents the used part of struct statx of Linux.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct StatxBuffer
    {
        [FieldOffset(16)]
        public uint Links;

        [FieldOffset(20)]
        public uint Owner;

        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }

    /// <summary>Represents the first part of struct stat of macOS with 64-bit inodes.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 144)]
    public struct MacStatBuffer
    {
        [FieldOffset(0)]
        public int Device;

        [FieldOffset(4)]
        public ushort Mode;

        [FieldOffset(6)]
        public ushort Links;

        [FieldOffset(8)]
        public ulong Inode;

        [FieldOffset(16)]
        public uint Owner;
    }
}
