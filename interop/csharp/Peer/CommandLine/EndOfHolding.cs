using System.Runtime.InteropServices;

namespace Peer;

/// <summary>What ends a writer: the end of its standard input, or a signal.</summary>
internal sealed class EndOfHolding : IDisposable
{
    private readonly ManualResetEventSlim _ended = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;

    /// <summary>From here on a signal no longer kills the process.</summary>
    public EndOfHolding()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
    }

    /// <summary>Returns when the time has come.</summary>
    public void Wait()
    {
        // A thread of its own: a read that waits can't be interrupted.
        new Thread(ReadToEnd) { IsBackground = true }.Start();
        _ended.Wait();
    }

    /// <summary>Signals do what they always do again.</summary>
    public void Dispose()
    {
        // The event is left to the collector: the reading thread may still be about to set it.
        _interrupt.Dispose();
        _terminate.Dispose();
    }

    private void End(PosixSignalContext context)
    {
        context.Cancel = true;
        _ended.Set();
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
            // An input that can't be read any more has ended.
        }

        _ended.Set();
    }
}
