using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>Represents the open file of a named map that this process holds (docs/named-maps.md).</summary>
internal sealed class PosixMapFile
{
    // Before a file that is in use is not replaced, in milliseconds: a process that is being killed
    // loses its locks first, and its memory a little later.
    private static readonly int[] s_pauses = [1, 10, 50];

    private readonly string? _path; // null for an anonymous map
    private readonly SafeHandle? _inheritable;
    private int _isNameReleased;

    private PosixMapFile(
        SafeHandle descriptor,
        string? path,
        long capacity,
        MapPermits permits,
        HandleInheritability inheritability)
    {
        Descriptor = descriptor;
        _path = path;
        Capacity = capacity;
        Permits = permits;
        if (inheritability == HandleInheritability.Inheritable)
        {
            _inheritable = OpenForChildren();
        }

        // The file stays open until the name is released, whatever disposes of it earlier: another
        // thread that calls Release, or the user of NamedMap.Handle.
        bool isKept = false;
        Descriptor.DangerousAddRef(ref isKept);
        HeldMaps.Add(this);
    }

    private enum FileState
    {
        Held,
        NotHeld,
        Changed,
    }

    /// <summary>Gets the open file. Its shared lock makes this process a holder.</summary>
    public SafeHandle Descriptor { get; }

    /// <summary>Gets the descriptor that child processes inherit. It may have a separate lock.</summary>
    public SafeHandle DescriptorForChildren => _inheritable ?? Descriptor;

    /// <summary>Gets the size of the map in bytes.</summary>
    public long Capacity { get; }

    /// <summary>Gets what the map permits its views.</summary>
    public MapPermits Permits { get; }

    /// <summary>Creates the map. Throws IOException if a process holds a map with this name.</summary>
    public static PosixMapFile Create(
        string name,
        long capacity,
        MapPermits permits,
        MemoryMappedFileOptions options,
        HandleInheritability inheritability)
    {
        ThrowIfUnsupported();
        using HeldMaps.Change change = HeldMaps.BeginToOpen();
        string directory = SharedMemoryDirectory.Find();
        string path = Path.Combine(directory, name);
        string operation = $"Creating the named map \"{name}\" with {capacity} bytes in {directory}";
        // Fail before memory is allocated if the map exists.
        RemoveNotHeld(path, name);
        using UnnamedFile file = UnnamedFile.Create(directory, capacity, options, operation);
        bool isLinked = false;
        try
        {
            var wait = new BoundedWait(operation);
            while (!file.TryLink(path))
            {
                wait.Wait();
                RemoveNotHeld(path, name);
            }

            isLinked = true;
            return new PosixMapFile(file.Descriptor, path, capacity, permits, inheritability);
        }
        catch
        {
            if (isLinked)
            {
                ReleaseFile(file.Descriptor, path);
            }

            file.Descriptor.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Creates a map without a name, where <see cref="MemoryMappedFile"/> can't: Mono ends the process.
    /// </summary>
    public static PosixMapFile CreateAnonymous(
        long capacity,
        MapPermits permits,
        MemoryMappedFileOptions options,
        HandleInheritability inheritability)
    {
        ThrowIfUnsupported();
        string directory = SharedMemoryDirectory.Find();
        string operation = $"Creating an anonymous map with {capacity} bytes in {directory}";
        using UnnamedFile file = UnnamedFile.Create(directory, capacity, options, operation);
        try
        {
            return new PosixMapFile(file.Descriptor, path: null, capacity, permits, inheritability);
        }
        catch
        {
            file.Descriptor.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Opens the map. Throws FileNotFoundException if no process holds a map with this name.
    /// </summary>
    public static PosixMapFile Open(
        string name, MapPermits permits, HandleInheritability inheritability)
    {
        ThrowIfUnsupported();
        using HeldMaps.Change change = HeldMaps.BeginToOpen();
        string path = Path.Combine(SharedMemoryDirectory.Find(), name);
        var wait = new BoundedWait($"Opening the named map \"{name}\"");
        while (true)
        {
            SafeHandle file = OpenFile.OfMap(path, name);
            bool isHeld = false;
            try
            {
                FileState state = BecomeHolder(file, path);
                if (state == FileState.Held)
                {
                    isHeld = true;
                    return FromHeldFile(file, path, name, permits, inheritability);
                }

                if (state == FileState.NotHeld)
                {
                    string why = FileUsers.Describe(file) is string users
                        ? $"{users} it, but not as a map."
                        : "a process that was killed left it.";
                    throw new FileNotFoundException(
                        $"There is no map with the name \"{name}\". Its file {path} ({Descriptors.Length(file)}"
                        + $" bytes) exists, but no process holds it: {why}",
                        path);
                }
            }
            catch
            {
                if (isHeld)
                {
                    // The other holders may have released it meanwhile. Then this one removes the file.
                    ReleaseFile(file, path);
                }

                file.Dispose();
                throw;
            }

            file.Dispose();
            wait.Wait();
        }
    }

    /// <summary>Opens the map, or creates it if no process holds it.</summary>
    public static PosixMapFile CreateOrOpen(
        string name,
        long capacity,
        MapPermits permits,
        MemoryMappedFileOptions options,
        HandleInheritability inheritability)
    {
        var wait = new BoundedWait($"Creating or opening the named map \"{name}\"");
        while (true)
        {
            try
            {
                return Open(name, permits, inheritability);
            }
            catch (FileNotFoundException)
            {
                // Create it below.
            }

            try
            {
                return Create(name, capacity, permits, options, inheritability);
            }
            catch (IOException error) when (PosixError.IsNameExists(error))
            {
                wait.Wait();
            }
        }
    }

    /// <summary>Opens the file again, with a descriptor that does not hold the map.</summary>
    public SafeHandle OpenForLocks()
    {
        bool isOpen = false;
        Descriptor.DangerousAddRef(ref isOpen);
        try
        {
            // On Linux, this path leads to the file, whatever its name is now.
            return OpenFile.At(
                $"/proc/self/fd/{Descriptor.DangerousGetHandle()}", ReadWrite | CloseOnExec);
        }
        finally
        {
            Descriptor.DangerousRelease();
        }
    }

    /// <summary>Releases the map. The last holder removes the file.</summary>
    public void Release()
    {
        try
        {
            ReleaseName();
        }
        finally
        {
            Descriptor.Dispose(); // also if Thread.Interrupt ends the wait for the lock
        }
    }

    /// <summary>
    /// Stops holding the map, as <see cref="Release"/> does, but leaves the file open: a thread that
    /// runs until the process has ended may use the map.
    /// </summary>
    public void ReleaseName()
    {
        using HeldMaps.Change change = HeldMaps.BeginToRelease();
        if (Interlocked.Exchange(ref _isNameReleased, 1) == 0)
        {
            HeldMaps.Remove(this);
            _inheritable?.Dispose();
            try
            {
                if (_path is not null)
                {
                    ReleaseFile(Descriptor, _path);
                }
            }
            finally
            {
                Descriptor.DangerousRelease();
            }
        }
    }

    private static PosixMapFile FromHeldFile(
        SafeHandle file,
        string path,
        string name,
        MapPermits permits,
        HandleInheritability inheritability)
    {
        long capacity = Descriptors.Length(file);
        return capacity > 0
            ? new PosixMapFile(file, path, capacity, permits, inheritability)
            : throw new IOException($"The file {path} of map \"{name}\" is empty, so it can't be mapped.");
    }

    private static FileState BecomeHolder(SafeHandle file, string path)
    {
        using TransitionLock transition = TransitionLock.Take(file, path);
        if (!OpenFile.IsAt(path, file))
        {
            return FileState.Changed;
        }

        if (HolderLock.TryExclusive(file))
        {
            HolderLock.Release(file);
            return FileState.NotHeld;
        }

        return HolderLock.TryShared(file) ? FileState.Held : FileState.Changed;
    }

    /// <summary>
    /// Removes the file of a map that no process holds. Throws IOException if a process does, and
    /// UnauthorizedAccessException if a process uses the file without holding it.
    /// </summary>
    private static void RemoveNotHeld(string path, string name)
    {
        string? users = TryRemoveNotHeld(path, name);
        foreach (int pause in s_pauses)
        {
            if (users is null)
            {
                return;
            }

            Thread.Sleep(pause);
            users = TryRemoveNotHeld(path, name);
        }

        if (users is not null)
        {
            throw new UnauthorizedAccessException(
                $"The file {path} has the name of the map \"{name}\", but is not replaced: {users} it"
                + " without the lock of a map, as Python's multiprocessing.shared_memory does. Use another"
                + " name.");
        }
    }

    /// <summary>Removes the file, or returns which processes use it without holding it.</summary>
    private static string? TryRemoveNotHeld(string path, string name)
    {
        SafeHandle file;
        try
        {
            file = OpenFile.OfMap(path, name);
        }
        catch (FileNotFoundException)
        {
            return null;
        }

        using (file)
        {
            using TransitionLock transition = TransitionLock.Take(file, path);
            if (!OpenFile.IsAt(path, file))
            {
                return null;
            }

            if (!HolderLock.TryExclusive(file))
            {
                throw PosixError.NameExists(name);
            }

            try
            {
                if (FileUsers.Describe(file) is string users)
                {
                    return users;
                }

                // A user may remove the file at the same time.
                if (Libc.Unlink(path) < 0 && Marshal.GetLastWin32Error() != NoEntry)
                {
                    throw PosixError.Last($"Removing {path}, which a killed process left");
                }
            }
            finally
            {
                HolderLock.Release(file);
            }

            return null;
        }
    }

    /// <summary>Removes the file if no other process holds it, and releases the locks.</summary>
    private static void ReleaseFile(SafeHandle file, string path)
    {
        try
        {
            using TransitionLock transition = TransitionLock.Take(file, path);
            if (HolderLock.TryExclusive(file) && OpenFile.IsAt(path, file))
            {
                _ = Libc.Unlink(path);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Without the lock, the file remains. The next process that creates this map removes it.
        }
        finally
        {
            // Closing is not enough: a process that is being started may have a copy of the descriptor.
            HolderLock.Release(file);
        }
    }

    private static void ThrowIfUnsupported()
    {
        // 32-bit Linux has another struct flock.
        if (Host.IsLinux && !Environment.Is64BitProcess)
        {
            throw new PlatformNotSupportedException("Named maps need a 64-bit process on Linux.");
        }
    }

    /// <summary>
    /// Opens the file again, for child processes. With a shared descriptor, a lock would not show
    /// which process still holds the map.
    /// </summary>
    private SafeHandle OpenForChildren()
    {
        // On Linux, the descriptor always refers to this file. macOS has no such path.
        string source = Host.IsLinux
            ? $"/proc/self/fd/{Descriptor.DangerousGetHandle()}"
            : _path!;
        SafeHandle copy = OpenFile.At(source, ReadWrite);
        try
        {
            bool isHolder = FileIdentity.Of(copy) == FileIdentity.Of(Descriptor)
                && HolderLock.TryShared(copy);
            return isHolder
                ? copy
                : throw new IOException(
                    $"Opening {source} for child processes: another process replaced or locked it.");
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }
}
