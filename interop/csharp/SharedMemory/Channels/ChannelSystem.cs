using System.Runtime.InteropServices;
using SharedMemory.Posix;

namespace SharedMemory;

/// <summary>
/// Has what channels need of the operating system: exclusive ownership that ends with its process, and
/// sleep until another process wakes.
/// </summary>
internal abstract unsafe class ChannelSystem
{
    private static readonly ChannelSystem? s_current =
        Host.IsLinux && !Host.IsMono && Futex.IsKnown ? new LinuxChannels() : null;

    /// <summary>Gets the system that runs this process.</summary>
    /// <exception cref="PlatformNotSupportedException">There are no channels on this system.</exception>
    public static ChannelSystem Current => s_current ?? throw new PlatformNotSupportedException(
        "Channels need Linux on an x64 or Arm64 processor, and .NET; Mono has none.");

    /// <summary>Returns an object with which one end of a channel takes and examines locks.</summary>
    public abstract SafeHandle OpenLocks(NamedMap map);

    /// <summary>Takes a lock. Returns false if another end, of any process, has it.</summary>
    public abstract bool TryLock(SafeHandle locks, int index);

    /// <summary>Releases a lock. Disposing of <paramref name="locks"/> releases all of them.</summary>
    public abstract void Unlock(SafeHandle locks, int index);

    /// <summary>Returns whether another end has a lock. Takes nothing.</summary>
    public abstract bool IsLocked(SafeHandle locks, int index);

    /// <summary>
    /// Sleeps while a word has a value, for at most a time. Returns false if the time has passed.
    /// </summary>
    public abstract bool Sleep(uint* word, uint value, int milliseconds);

    public abstract void WakeAll(uint* word);

    public abstract void WakeOne(uint* word);
}
