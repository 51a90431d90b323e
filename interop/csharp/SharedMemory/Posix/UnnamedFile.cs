using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>
/// Represents the file of a map before it gets its name. It is locked and has its size, and other
/// processes can't open it.
/// </summary>
internal sealed class UnnamedFile : IDisposable
{
    // The bytes that one call allocates. On many kernels, a signal cancels a call for a tmpfs, so that
    // it must begin again. With signals at short intervals, a call for a large file would never end.
    private const long Part = 2 << 20;

    private readonly string? _privatePath;
    private readonly string _operation;

    private UnnamedFile(SafeHandle descriptor, string? privatePath, string operation)
    {
        Descriptor = descriptor;
        _privatePath = privatePath;
        _operation = operation;
    }

    /// <summary>Gets the open file. <see cref="Dispose"/> does not close it.</summary>
    public SafeHandle Descriptor { get; }

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
            MapMark.Set(file.Descriptor);
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
        if (result < 0 && Marshal.GetLastWin32Error() == Exists)
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

    private static unsafe UnnamedFile Open(string directory, string operation)
    {
        if (Host.IsLinux)
        {
            int descriptor = Libc.Open(directory, TemporaryFile | ReadWrite | CloseOnExec, OwnerOnly);
            if (descriptor >= 0)
            {
                return new UnnamedFile(Descriptors.Own(descriptor), null, operation);
            }

            int number = Marshal.GetLastWin32Error();
            bool isUnknown = number is IsDirectory or Invalid || number == NotSupported;
            if (!isUnknown)
            {
                throw PosixError.Of(number, operation);
            }
        }

        byte[] path = Encoding.UTF8.GetBytes(Path.Combine(directory, OpenFile.PrivatePrefix + "XXXXXX\0"));
        int created;
        fixed (byte* template = path)
        {
            created = Libc.MakeTemporary(template, CloseOnExec);
        }

        return created >= 0
            ? new UnnamedFile(
                Descriptors.Own(created), Encoding.UTF8.GetString(path, 0, path.Length - 1), operation)
            : throw PosixError.Last(operation);
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
            if (Host.IsMacOS)
            {
                Require(Libc.Ftruncate(Descriptor, capacity));
                return;
            }

            long start = 0;
            do
            {
                number = Libc.PosixFallocate(Descriptor, start, Math.Min(Part, capacity - start));
                if (number == 0)
                {
                    start += Part;
                }
            }
            while (number == Interrupted || (number == 0 && start < capacity));
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
