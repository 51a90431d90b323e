namespace Peer;

/// <summary>Runs code whose exception is a result.</summary>
internal static class Attempt
{
    /// <summary>Runs the code and returns its exception, or null.</summary>
    public static Exception? Run(Action action)
    {
        try
        {
            action();
            return null;
        }
#pragma warning disable CA1031 // every exception of .NET is a result
        catch (Exception error)
#pragma warning restore CA1031
        {
            return error is System.Reflection.TargetInvocationException { InnerException: { } inner }
                ? inner
                : error;
        }
    }
}
