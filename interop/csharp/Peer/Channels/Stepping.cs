using System.Runtime.InteropServices;

namespace Peer;

/// <summary>
/// Notes the numbered stores of channels that this process carries out, and stops it after one of them.
/// </summary>
internal static partial class Stepping
{
    // The name under which the library looks for the function that it calls after each store.
    private const string DataName = "SharedMemory.ChannelSteps";
    private const int SigStop = 19;

    private static List<string>? s_done;
    private static int s_after;

    /// <summary>Lets the library report its steps. Call this before the first use of a channel.</summary>
    public static void Prepare() => AppDomain.CurrentDomain.SetData(DataName, (Action<string>)Pass);

    /// <summary>Begins to note the steps.</summary>
    /// <param name="after">After how many places the process stops; 0 for none.</param>
    public static void Begin(int after)
    {
        s_after = after;
        s_done = [];
    }

    /// <summary>Returns the step of each place that was passed.</summary>
    public static List<string> End()
    {
        List<string> done = s_done!;
        s_done = null;
        return done;
    }

    private static void Pass(string step)
    {
        if (s_done is not { } done)
        {
            return;
        }

        done.Add(step);
        if (done.Count == s_after)
        {
            _ = Kill(Environment.ProcessId, SigStop);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int process, int signal);
}
