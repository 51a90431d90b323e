using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>A map's file before it has its name: locked and of the right size, seen by nobody.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class UnnamedFile : IDisposable
{
    private readonly string? _privatePath;
    private readonly string _what;

    private UnnamedFile(SafeFileHandle descriptor, string? privatePath, string what)
    {
        Descriptor = descriptor;
        _privatePath = privatePath;
        _what = what;
    }

    /// <summary>The open file, which stays open when this is disposed of.</summary>
    public SafeFileHandle Descriptor { get; }

    /// <summary>Makes one in <paramref name="directory"/>; <paramref name="what"/> begins error messages.</summary>
    public static UnnamedFile Create(
        string directory, long capacity, MemoryMappedFileOptions options, string what)
    {
        UnnamedFile made = Open(directory, what);
        try
        {
            if (!HolderLock.TryShared(made.Descriptor))
            {
                throw new IOException($"{what}: another process has locked the new file.");
            }

            made.Require(Libc.Fchmod(made.Descriptor, OwnerOnly)); // the umask may have taken more away
            if ((options & MemoryMappedFileOptions.DelayAllocatePages) != 0)
            {
                made.Require(Libc.Ftruncate(made.Descriptor, capacity));
            }
            else
            {
                made.Reserve(directory, capacity);
            }

            return made;
        }
        catch
        {
            made.Dispose();
            made.Descriptor.Dispose();
            throw;
        }
    }

    /// <summary>Gives the file its name; false if the name is taken.</summary>
    public bool TryLink(string path)
    {
        int result = _privatePath is not null
            ? Libc.Link(_privatePath, path)
            : Libc.LinkAt(
                CurrentDirectory,
                $"/proc/self/fd/{Descriptor.DangerousGetHandle()}",
                CurrentDirectory,
                path,
                FollowLink);
        if (result < 0 && Marshal.GetLastPInvokeError() == Exists)
        {
            return false;
        }

        Require(result);
        return true;
    }

    /// <summary>Removes the private name, if there is one.</summary>
    public void Dispose()
    {
        if (_privatePath is not null)
        {
            _ = Libc.Unlink(_privatePath);
        }
    }

    private static UnnamedFile Open(string directory, string what)
    {
        if (OperatingSystem.IsLinux())
        {
            int descriptor = Libc.Open(directory, TemporaryFile | ReadWrite | CloseOnExec, OwnerOnly);
            if (descriptor >= 0)
            {
                return new UnnamedFile(new SafeFileHandle(descriptor, ownsHandle: true), null, what);
            }

            int number = Marshal.GetLastPInvokeError();
            bool isUnknown = number is IsDirectory or Invalid || number == NotSupported;
            if (!isUnknown)
            {
                throw PosixError.Of(number, what);
            }
        }

        string unique = Convert.ToHexString(RandomNumberGenerator.GetBytes(12));
        string privatePath = Path.Combine(directory, $".pyshm-{unique}");
        using var stream = new FileStream(privatePath, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        try
        {
            // A descriptor that the stream does not close: reopened, for the stream's own goes with it.
            SafeFileHandle file = OpenFile.OfMap(privatePath, privatePath);
            return new UnnamedFile(file, privatePath, what);
        }
        catch
        {
            _ = Libc.Unlink(privatePath);
            throw;
        }
    }

    /// <summary>Gives the file its memory now: running out of it later would be a bus error.</summary>
    private void Reserve(string directory, long capacity)
    {
        // Asked first, since posix_fallocate fills the directory before it finds that it is full.
        var space = new DriveInfo(directory);
        bool isUnlimited = space.TotalSize == 0; // a tmpfs without a limit counts no blocks
        long free = space.AvailableFreeSpace;
        int number = NoSpace;
        if (isUnlimited || capacity <= free)
        {
            if (OperatingSystem.IsMacOS())
            {
                Require(Libc.Ftruncate(Descriptor, capacity));
                return;
            }

            do
            {
                number = Libc.PosixFallocate(Descriptor, 0, capacity);
            }
            while (number == Interrupted);
        }

        switch (number)
        {
            case 0:
                return;
            case NoSpace:
                throw new IOException($"{_what}: only {free} bytes are free there.", NoSpace);
            default:
                throw PosixError.Of(number, _what);
        }
    }

    private void Require(int result)
    {
        if (result < 0)
        {
            throw PosixError.Last(_what);
        }
    }
}
