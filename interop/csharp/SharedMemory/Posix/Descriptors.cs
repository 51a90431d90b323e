using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace SharedMemory.Posix;

/// <summary>Has the handles of descriptors.</summary>
internal static class Descriptors
{
    /// <summary>Returns a handle that closes <paramref name="descriptor"/>.</summary>
#if NET
    public static SafeHandle Own(int descriptor) => new SafeFileHandle(descriptor, ownsHandle: true);
#else
    public static SafeHandle Own(int descriptor) => new Owner(descriptor);

    // SafeFileHandle of Mono does not close a descriptor that Mono did not open.
    private sealed class Owner : SafeHandleMinusOneIsInvalid
    {
        public Owner(int descriptor)
            : base(ownsHandle: true) => SetHandle(new IntPtr(descriptor));

        protected override bool ReleaseHandle() => Libc.Close(handle.ToInt32()) == 0;
    }
#endif

    /// <summary>Returns the size of an open file.</summary>
    public static long Length(SafeHandle file)
    {
        long length = Libc.Seek(file, 0, LibcConstants.SeekEnd);
        return length >= 0 ? length : throw PosixError.Last("reading the size of the file of a map");
    }
}
