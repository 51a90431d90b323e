using System.Runtime.InteropServices;

namespace SharedMemory.Posix;

/// <summary>Defines constants of the C headers for the running system.</summary>
internal static class LibcConstants
{
    public const int ReadWrite = 2; // O_RDWR
    public const int ReadOnly = 0; // O_RDONLY

    public const int SeekEnd = 2; // SEEK_END

    public const int LockShared = 1; // LOCK_SH
    public const int LockExclusive = 2; // LOCK_EX
    public const int LockNonBlocking = 4; // LOCK_NB
    public const int LockRelease = 8; // LOCK_UN

    public const int GetOpenFileLock = 36; // F_OFD_GETLK, Linux
    public const int SetOpenFileLock = 37; // F_OFD_SETLK, Linux
    public const int GetHint = 1035; // F_GET_RW_HINT, Linux
    public const int SetHint = 1036; // F_SET_RW_HINT, Linux
    public const ulong HintOfMap = 5; // RWH_WRITE_LIFE_EXTREME, Linux
    public const short WriteLock = 1; // F_WRLCK, Linux
    public const short NoLock = 2; // F_UNLCK, Linux

    public const int FutexWait = 0; // FUTEX_WAIT, Linux; not PRIVATE: other processes wake
    public const int FutexWake = 1; // FUTEX_WAKE, Linux

    public const int CurrentDirectory = -100; // AT_FDCWD, Linux
    public const int FollowLink = 0x400; // AT_SYMLINK_FOLLOW, Linux
    public const int DoNotFollowLink = 0x100; // AT_SYMLINK_NOFOLLOW, Linux
    public const int EmptyPath = 0x1000; // AT_EMPTY_PATH, Linux

    // STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_UID | STATX_INO
    public const uint StatxOfMap = 0x1 | 0x2 | 0x4 | 0x8 | 0x100;

    public const int TypeMask = 0xF000; // S_IFMT
    public const int RegularFile = 0x8000; // S_IFREG
    public const int PermissionMask = 0xFFF;
    public const uint OwnerOnly = 0x180; // 0600

    public const int NoPermission = 1; // EPERM
    public const int NoEntry = 2; // ENOENT
    public const int Interrupted = 4; // EINTR
    public const int NoDevice = 6; // ENXIO
    public const int TryAgain = 11; // EAGAIN, Linux
    public const int NoMemory = 12; // ENOMEM
    public const int AccessDenied = 13; // EACCES
    public const int Exists = 17; // EEXIST
    public const int NoSuchDevice = 19; // ENODEV
    public const int NotDirectory = 20; // ENOTDIR
    public const int IsDirectory = 21; // EISDIR
    public const int Invalid = 22; // EINVAL
    public const int TooManyOpenInSystem = 23; // ENFILE
    public const int TooManyOpen = 24; // EMFILE
    public const int NoSpace = 28; // ENOSPC
    public const int ReadOnlyFileSystem = 30; // EROFS
    public const int TimedOut = 110; // ETIMEDOUT, Linux
    public const int Busy = 16; // EBUSY

    // Older targets have no names for these.
    private const Architecture Armv6 = (Architecture)7;
    private const Architecture Ppc64le = (Architecture)8;

    // ARM and POWER have other values for some flags of open.
    private static readonly bool s_isArmOrPower = RuntimeInformation.ProcessArchitecture
        is Architecture.Arm64 or Architecture.Arm or Armv6 or Ppc64le;

    /// <summary>Gets the number of the system call futex of Linux; 0 if it is not known.</summary>
    public static int FutexCall { get; } = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 202,
        Architecture.Arm64 => 98,
        _ => 0,
    };

    public static int CloseOnExec { get; } = Host.IsMacOS ? 0x1000000 : 0x80000; // O_CLOEXEC

    public static int NonBlocking { get; } = Host.IsMacOS ? 0x4 : 0x800; // O_NONBLOCK

    // O_NOFOLLOW
    public static int NoFollow { get; } =
        Host.IsMacOS ? 0x100 : s_isArmOrPower ? 0x8000 : 0x20000;

    // O_TMPFILE, which includes O_DIRECTORY
    public static int TemporaryFile { get; } = 0x400000 | (s_isArmOrPower ? 0x4000 : 0x10000);

    public static int WouldBlock { get; } = Host.IsMacOS ? 35 : 11; // EWOULDBLOCK

    public static int TooManyLinks { get; } = Host.IsMacOS ? 62 : 40; // ELOOP

    public static int NotSupported { get; } = Host.IsMacOS ? 45 : 95; // EOPNOTSUPP
}
