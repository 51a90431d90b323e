using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Peer;

/// <summary>Waits until a writer must stop: at the end of its standard input, or on a signal.</summary>
internal sealed class StopSignal : IDisposable
{
    private readonly ManualResetEventSlim _stopped = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;

    /// <summary>Initializes an instance. From now on, the signals do not kill the process.</summary>
    public StopSignal()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    }

    /// <summary>Waits for a signal, or for the end of a standard input that can end.</summary>
    public void Wait()
    {
        if (InputCanEnd())
        {
            // A read can't be interrupted, so it runs in a background thread.
            new Thread(ReadToEnd) { IsBackground = true }.Start();
        }

        _stopped.Wait();
    }

    /// <summary>Restores the default handling of signals.</summary>
    public void Dispose()
    {
        // The event is not disposed, because the reading thread may still set it.
        _interrupt.Dispose();
        _terminate.Dispose();
    }

    // On Unix, a pipe and a terminal can end; /dev/null, a file and a closed input can't.
    private static bool InputCanEnd()
    {
        if (OperatingSystem.IsWindows())
        {
            return true;
        }

        try
        {
            using var handle = new SafeFileHandle(0, ownsHandle: false);
            using var input = new FileStream(handle, FileAccess.Read, bufferSize: 0);
            return !input.CanSeek;
        }
        catch (Exception error) when (
            error is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        _stopped.Set();
    }

    private void ReadToEnd()
    {
        using Stream input = Console.OpenStandardInput();
        var buffer = new byte[4096];
        try
        {
            while (input.Read(buffer) > 0)
            {
            }
        }
        catch (IOException)
        {
            // Treat an error as the end of the input.
        }

        _stopped.Set();
    }
}
