namespace Peer;

/// <summary>Calls whose failure is an answer.</summary>
internal static class Attempt
{
    /// <summary>What the call threw; null if it came to its end.</summary>
    public static Exception? To(Action call)
    {
        try
        {
            call();
            return null;
        }
#pragma warning disable CA1031 // whatever .NET says of a type is what was asked for
        catch (Exception error)
#pragma warning restore CA1031
        {
            return error is System.Reflection.TargetInvocationException { InnerException: { } inner }
                ? inner
                : error;
        }
    }
}
