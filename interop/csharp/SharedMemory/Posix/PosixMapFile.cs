using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>A named map's file, held open: the protocol of docs/named-maps.md, "Who holds it".</summary>
internal sealed class PosixMapFile
{
    private readonly string _path;
    private readonly SafeFileHandle? _inheritable;
    private int _released;

    private PosixMapFile(
        SafeFileHandle descriptor,
        string path,
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

        HeldMaps.Add(this);
    }

    private enum Finding
    {
        Alive,
        Dead,
        Changed,
    }

    /// <summary>The open file. It has a shared lock, which makes this process a holder.</summary>
    public SafeFileHandle Descriptor { get; }

    /// <summary>What a child process inherits: a descriptor with a lock of its own, if there is one.</summary>
    public SafeFileHandle DescriptorForChildren => _inheritable ?? Descriptor;

    /// <summary>The map's size in bytes.</summary>
    public long Capacity { get; }

    /// <summary>What views may do.</summary>
    public MapPermits Permits { get; }

    /// <summary>Whether the name was let go of.</summary>
    public bool IsReleased => Volatile.Read(ref _released) != 0;

    /// <summary>Creates the map; an IOException if somebody holds one of that name.</summary>
    [UnsupportedOSPlatform("windows")]
    public static PosixMapFile Create(
        string name,
        long capacity,
        MapPermits permits,
        MemoryMappedFileOptions options,
        HandleInheritability inheritability)
    {
        RefuseUnknownSystem();
        string directory = SharedMemoryDirectory.Find();
        string path = Path.Combine(directory, name);
        string what = $"Creating the named map \"{name}\" with {capacity} bytes in {directory}";
        // Before any memory is reserved: the usual reason to fail should cost nothing.
        RemoveDead(path, name);
        using UnnamedFile made = UnnamedFile.Create(directory, capacity, options, what);
        bool isLinked = false;
        try
        {
            var patience = new Patience(what);
            while (!made.TryLink(path))
            {
                patience.Wait();
                RemoveDead(path, name);
            }

            isLinked = true;
            return new PosixMapFile(made.Descriptor, path, capacity, permits, inheritability);
        }
        catch
        {
            if (isLinked)
            {
                LetGo(made.Descriptor, path);
            }

            made.Descriptor.Dispose();
            throw;
        }
    }

    /// <summary>Opens the map; a FileNotFoundException if nobody holds one of that name.</summary>
    public static PosixMapFile Open(
        string name, MapPermits permits, HandleInheritability inheritability)
    {
        RefuseUnknownSystem();
        string path = Path.Combine(SharedMemoryDirectory.Find(), name);
        var patience = new Patience($"Opening the named map \"{name}\"");
        while (true)
        {
            SafeFileHandle file = OpenFile.OfMap(path, name);
            bool isHeld = false;
            try
            {
                Finding finding = BecomeHolder(file, path);
                if (finding == Finding.Alive)
                {
                    isHeld = true;
                    return Held(file, path, name, permits, inheritability);
                }

                if (finding == Finding.Dead)
                {
                    throw new FileNotFoundException(
                        $"No map is named \"{name}\": its file {path} ({RandomAccess.GetLength(file)} bytes) is"
                        + " there, but no process holds it; it was left by a process that died.",
                        path);
                }
            }
            catch
            {
                if (isHeld)
                {
                    // The others may have let go meanwhile, and left the removal to this one.
                    LetGo(file, path);
                }

                file.Dispose();
                throw;
            }

            file.Dispose();
            patience.Wait();
        }
    }

    /// <summary>Opens the map if somebody holds it, else creates it.</summary>
    [UnsupportedOSPlatform("windows")]
    public static PosixMapFile CreateOrOpen(
        string name,
        long capacity,
        MapPermits permits,
        MemoryMappedFileOptions options,
        HandleInheritability inheritability)
    {
        var patience = new Patience($"Creating or opening the named map \"{name}\"");
        while (true)
        {
            try
            {
                return Open(name, permits, inheritability);
            }
            catch (FileNotFoundException)
            {
                // Then it is to be created.
            }

            try
            {
                return Create(name, capacity, permits, options, inheritability);
            }
            catch (IOException error) when (PosixError.IsNameExists(error))
            {
                patience.Wait();
            }
        }
    }

    /// <summary>Lets go of the map; the last holder removes the file. Twice is fine.</summary>
    public void Release()
    {
        if (Interlocked.Exchange(ref _released, 1) != 0)
        {
            return;
        }

        HeldMaps.Remove(this);
        _inheritable?.Dispose();
        LetGo(Descriptor, _path);
        Descriptor.Dispose();
    }

    private static PosixMapFile Held(
        SafeFileHandle file,
        string path,
        string name,
        MapPermits permits,
        HandleInheritability inheritability)
    {
        long capacity = RandomAccess.GetLength(file);
        return capacity > 0
            ? new PosixMapFile(file, path, capacity, permits, inheritability)
            : throw new IOException($"The file {path} of map \"{name}\" is empty; it can't be mapped.");
    }

    private static Finding BecomeHolder(SafeFileHandle file, string path)
    {
        using TransitionLock transition = TransitionLock.Take(file, path);
        if (!OpenFile.LeadsTo(path, file))
        {
            return Finding.Changed;
        }

        if (HolderLock.TryExclusive(file))
        {
            HolderLock.Release(file);
            return Finding.Dead;
        }

        return HolderLock.TryShared(file) ? Finding.Alive : Finding.Changed;
    }

    /// <summary>Makes way for a new map; an IOException if somebody holds the one that is there.</summary>
    private static void RemoveDead(string path, string name)
    {
        SafeFileHandle file;
        try
        {
            file = OpenFile.OfMap(path, name);
        }
        catch (FileNotFoundException)
        {
            return;
        }

        using (file)
        {
            using TransitionLock transition = TransitionLock.Take(file, path);
            if (!OpenFile.LeadsTo(path, file))
            {
                return;
            }

            if (!HolderLock.TryExclusive(file))
            {
                throw PosixError.NameExists(name);
            }

            // Somebody may remove it by hand at the same time.
            if (Libc.Unlink(path) < 0 && Marshal.GetLastPInvokeError() != NoEntry)
            {
                throw PosixError.Last($"Removing {path}, which a process that died has left");
            }
        }
    }

    /// <summary>The closing half of the protocol; leaves the file open and without locks.</summary>
    private static void LetGo(SafeFileHandle file, string path)
    {
        try
        {
            using TransitionLock transition = TransitionLock.Take(file, path);
            if (HolderLock.TryExclusive(file) && OpenFile.LeadsTo(path, file))
            {
                _ = Libc.Unlink(path);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // No lock to be had: the file is dead then, and the next creator removes it.
        }
        finally
        {
            // Closing alone is not enough, for a process being started may have a copy of the handle.
            HolderLock.Release(file);
        }
    }

    private static void RefuseUnknownSystem()
    {
        // struct flock looks different there, and .NET's 32-bit Linux ports are few.
        if (OperatingSystem.IsLinux() && !Environment.Is64BitProcess)
        {
            throw new PlatformNotSupportedException("Named maps need a 64-bit process on Linux.");
        }
    }

    /// <summary>
    /// Opens the file once more, for children to inherit: a lock that is shared with a child would
    /// not tell which of the two still uses it.
    /// </summary>
    private SafeFileHandle OpenForChildren()
    {
        // Through the descriptor, which is this file for certain. macOS has no such way.
        string source = OperatingSystem.IsLinux()
            ? $"/proc/self/fd/{Descriptor.DangerousGetHandle()}"
            : _path;
        SafeFileHandle second = OpenFile.At(source, ReadWrite);
        try
        {
            bool isHolder = FileIdentity.Of(second) == FileIdentity.Of(Descriptor)
                && HolderLock.TryShared(second);
            return isHolder
                ? second
                : throw new IOException($"{_path} could not be opened a second time for child processes.");
        }
        catch
        {
            second.Dispose();
            throw;
        }
    }
}
