#if NET
using System.Runtime.InteropServices;

namespace SharedMemory.Posix;

/// <content>Declares the functions. Libc.NetStandard.cs declares the same ones for older targets.</content>
internal static unsafe partial class Libc
{
    // In C, this function is variadic. On ARM64, macOS passes variadic arguments in another way, so
    // the third argument works on Linux only. Only O_TMPFILE, which macOS does not have, needs it.
    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, uint mode);

    [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
    public static partial int Flock(SafeHandle file, int operation);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Fcntl(SafeHandle file, int command, RecordLock* request);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Fcntl(SafeHandle file, int command, ulong* hint);

    [LibraryImport(Library, EntryPoint = "fchmod", SetLastError = true)]
    public static partial int Fchmod(SafeHandle file, uint mode);

    [LibraryImport(Library, EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Ftruncate(SafeHandle file, long length);

    [LibraryImport(Library, EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(SafeHandle file, long offset, int origin);

    // Replaces the end of the template, which is UTF-8 with a NUL. The file has mode 0600.
    [LibraryImport(Library, EntryPoint = "mkostemp", SetLastError = true)]
    public static partial int MakeTemporary(byte* template, int flags);

    // Returns the error number and does not set errno.
    [LibraryImport(Library, EntryPoint = "posix_fallocate")]
    public static partial int PosixFallocate(SafeHandle file, long offset, long length);

    [LibraryImport(Library, EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Link(string existing, string path);

    [LibraryImport(Library, EntryPoint = "linkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LinkAt(
        int existingDirectory, string existing, int directory, string path, int flags);

    [LibraryImport(Library, EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Statx(
        int directory, string path, int flags, uint mask, StatxBuffer* buffer);

    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Statx(
        SafeHandle file, string path, int flags, uint mask, StatxBuffer* buffer);

    [LibraryImport(Library, EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    [LibraryImport(Library, EntryPoint = "lstat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LstatMac(string path, MacStatBuffer* buffer);

    [LibraryImport(Library, EntryPoint = "fstat", SetLastError = true)]
    public static partial int FstatMac(SafeHandle file, MacStatBuffer* buffer);

    // On x64, the functions without this suffix use 32-bit inodes.
    [LibraryImport(Library, EntryPoint = "lstat$INODE64", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LstatMacIntel(string path, MacStatBuffer* buffer);

    [LibraryImport(Library, EntryPoint = "fstat$INODE64", SetLastError = true)]
    public static partial int FstatMacIntel(SafeHandle file, MacStatBuffer* buffer);

    // On Linux, integers are passed to this variadic function as to any other.
    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    public static partial nint Futex(nint call, uint* word, nint operation, nint value, TimeSpec* timeout);

    [LibraryImport(Library, EntryPoint = "strerror")]
    public static partial nint ErrorText(int number);
}
#endif
