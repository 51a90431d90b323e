using System.Runtime.InteropServices;

namespace SharedMemory.Posix;

/// <summary>Has what channels need on Linux: locks of bytes of the map's file, and futexes.</summary>
internal sealed unsafe class LinuxChannels : ChannelSystem
{
    public override SafeHandle OpenLocks(NamedMap map) => map.OpenForLocks();

    public override bool TryLock(SafeHandle locks, int index) => RecordLocks.TryLock(locks, index);

    public override void Unlock(SafeHandle locks, int index) => RecordLocks.Release(locks, index);

    public override bool IsLocked(SafeHandle locks, int index) => RecordLocks.IsLocked(locks, index);

    public override bool Sleep(uint* word, uint value, int milliseconds) =>
        Futex.Wait(word, value, milliseconds);

    public override void WakeAll(uint* word) => Futex.WakeAll(word);

    public override void WakeOne(uint* word) => Futex.WakeOne(word);
}
