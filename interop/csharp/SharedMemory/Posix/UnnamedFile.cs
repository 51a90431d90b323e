using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>
/// Represents the file of a map before it gets its name. It is locked and has its size, and other
/// processes can't open it.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal sealed class UnnamedFile : IDisposable
{
    private readonly string? _privatePath;
    private readonly string _operation;

    private UnnamedFile(SafeFileHandle descriptor, string? privatePath, string operation)
    {
        Descriptor = descriptor;
        _privatePath = privatePath;
        _operation = operation;
    }

    /// <summary>Gets the open file. <see cref="Dispose"/> does not close it.</summary>
    public SafeFileHandle Descriptor { get; }

    /// <summary>Creates a file. Error messages begin with <paramref name="operation"/>.</summary>
    public static UnnamedFile Create(
        string directory, long capacity, MemoryMappedFileOptions options, string operation)
    {
        UnnamedFile file = Open(directory, operation);
        try
        {
            if (!HolderLock.TryShared(file.Descriptor))
            {
                throw new IOException($"{operation}: another process has locked the new file.");
            }

            // The umask may have removed other permissions.
            file.Require(Libc.Fchmod(file.Descriptor, OwnerOnly));
            if ((options & MemoryMappedFileOptions.DelayAllocatePages) != 0)
            {
                file.Require(Libc.Ftruncate(file.Descriptor, capacity));
            }
            else
            {
                file.Reserve(directory, capacity);
            }

            return file;
        }
        catch
        {
            file.Dispose();
            file.Descriptor.Dispose();
            throw;
        }
    }

    /// <summary>Gives the file its name. Returns false if a file with this name exists.</summary>
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

    private static UnnamedFile Open(string directory, string operation)
    {
        if (OperatingSystem.IsLinux())
        {
            int descriptor = Libc.Open(directory, TemporaryFile | ReadWrite | CloseOnExec, OwnerOnly);
            if (descriptor >= 0)
            {
                return new UnnamedFile(new SafeFileHandle(descriptor, ownsHandle: true), null, operation);
            }

            int number = Marshal.GetLastPInvokeError();
            bool isUnknown = number is IsDirectory or Invalid || number == NotSupported;
            if (!isUnknown)
            {
                throw PosixError.Of(number, operation);
            }
        }

        string unique = Convert.ToHexString(RandomNumberGenerator.GetBytes(12));
        string privatePath = Path.Combine(directory, OpenFile.PrivatePrefix + unique);
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
            // The stream closes its descriptor, so the file is opened again.
            SafeFileHandle file = OpenFile.OfMap(privatePath, privatePath);
            return new UnnamedFile(file, privatePath, operation);
        }
        catch
        {
            _ = Libc.Unlink(privatePath);
            throw;
        }
    }

    /// <summary>
    /// Allocates the memory of the file. Later, a lack of memory would crash the process.
    /// </summary>
    private void Reserve(string directory, long capacity)
    {
        // posix_fallocate would fill the file system before it fails, so check first.
        var space = new DriveInfo(directory);
        bool isUnlimited = space.TotalSize == 0; // a tmpfs without a limit
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
                throw new IOException($"{_operation}: only {free} bytes are free.", NoSpace);
            default:
                throw PosixError.Of(number, _operation);
        }
    }

    private void Require(int result)
    {
        if (result < 0)
        {
            throw PosixError.Last(_operation);
        }
    }
}
