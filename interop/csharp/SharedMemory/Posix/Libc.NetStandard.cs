#if !NET
using System.Runtime.InteropServices;

namespace SharedMemory.Posix;

/// <content>
/// Declares the functions of Libc.Net.cs for targets without LibraryImport, and what only these need.
/// On every system with a libc, the runtimes convert "Ansi" strings to UTF-8.
/// </content>
internal static unsafe partial class Libc
{
    [DllImport(Library, EntryPoint = "open", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    public static extern int Open(string path, int flags);

    [DllImport(Library, EntryPoint = "open", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    public static extern int Open(string path, int flags, uint mode);

    [DllImport(Library, EntryPoint = "flock", SetLastError = true)]
    public static extern int Flock(SafeHandle file, int operation);

    [DllImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    public static extern int Fcntl(SafeHandle file, int command, RecordLock* request);

    [DllImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    public static extern int Fcntl(SafeHandle file, int command, ulong* hint);

    [DllImport(Library, EntryPoint = "fchmod", SetLastError = true)]
    public static extern int Fchmod(SafeHandle file, uint mode);

    [DllImport(Library, EntryPoint = "ftruncate", SetLastError = true)]
    public static extern int Ftruncate(SafeHandle file, long length);

    [DllImport(Library, EntryPoint = "lseek", SetLastError = true)]
    public static extern long Seek(SafeHandle file, long offset, int origin);

    [DllImport(Library, EntryPoint = "mkostemp", SetLastError = true)]
    public static extern int MakeTemporary(byte* template, int flags);

    [DllImport(Library, EntryPoint = "posix_fallocate")]
    public static extern int PosixFallocate(SafeHandle file, long offset, long length);

    [DllImport(Library, EntryPoint = "link", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    public static extern int Link(string existing, string path);

    [DllImport(Library, EntryPoint = "linkat", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    public static extern int LinkAt(
        int existingDirectory, string existing, int directory, string path, int flags);

    [DllImport(Library, EntryPoint = "unlink", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    public static extern int Unlink(string path);

    [DllImport(Library, EntryPoint = "statx", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    public static extern int Statx(
        int directory, string path, int flags, uint mask, StatxBuffer* buffer);

    [DllImport(Library, EntryPoint = "statx", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    public static extern int Statx(
        SafeHandle file, string path, int flags, uint mask, StatxBuffer* buffer);

    [DllImport(Library, EntryPoint = "geteuid")]
    public static extern uint EffectiveUser();

    [DllImport(Library, EntryPoint = "lstat", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    public static extern int LstatMac(string path, MacStatBuffer* buffer);

    [DllImport(Library, EntryPoint = "fstat", SetLastError = true)]
    public static extern int FstatMac(SafeHandle file, MacStatBuffer* buffer);

    [DllImport(Library, EntryPoint = "lstat$INODE64", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    public static extern int LstatMacIntel(string path, MacStatBuffer* buffer);

    [DllImport(Library, EntryPoint = "fstat$INODE64", SetLastError = true)]
    public static extern int FstatMacIntel(SafeHandle file, MacStatBuffer* buffer);

    [DllImport(Library, EntryPoint = "syscall", SetLastError = true)]
    public static extern nint Futex(nint call, uint* word, nint operation, nint value, TimeSpec* timeout);

    [DllImport(Library, EntryPoint = "strerror")]
    public static extern nint ErrorText(int number);

    [DllImport(Library, EntryPoint = "close", SetLastError = true)]
    public static extern int Close(int descriptor);
}
#endif
