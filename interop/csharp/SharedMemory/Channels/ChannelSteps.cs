using System.Runtime.CompilerServices;

namespace SharedMemory;

/// <summary>
/// Calls a test after each numbered store of docs/channels.md, and after the loads R3 and P2, so that it can
/// stop the process there.
/// Without a test, the just-in-time compiler removes the calls.
/// </summary>
internal static class ChannelSteps
{
    /// <summary>
    /// The name of the data of the application domain that has the test's <c>Action&lt;string&gt;</c>. It
    /// is set before the first use of a channel.
    /// </summary>
    public const string DataName = "SharedMemory.ChannelSteps";

    private static readonly Action<string>? s_test =
        AppDomain.CurrentDomain.GetData(DataName) as Action<string>;

    /// <summary>Reports that a step is done.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void After(string step)
    {
        if (s_test is not null)
        {
            s_test(step);
        }
    }
}
