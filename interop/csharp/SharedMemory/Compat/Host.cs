using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace SharedMemory;

/// <summary>Describes what runs this process, in the same way for every target of the package.</summary>
internal static class Host
{
    /// <summary>Gets whether the system is Windows.</summary>
    [SupportedOSPlatformGuard("windows")]
    public static bool IsWindows { get; } = RuntimeInformation.IsOSPlatform(OSPlatform.Windows);

    /// <summary>Gets whether the system is Linux.</summary>
    public static bool IsLinux { get; } = RuntimeInformation.IsOSPlatform(OSPlatform.Linux);

    /// <summary>Gets whether the system is macOS.</summary>
    public static bool IsMacOS { get; } = RuntimeInformation.IsOSPlatform(OSPlatform.OSX);

    /// <summary>
    /// Gets whether Mono, or Unity's runtimes, which have the class libraries of Mono, runs the
    /// process. The descriptions of .NET and .NET Framework begin with ".NET".
    /// </summary>
    public static bool IsMono { get; } =
        !RuntimeInformation.FrameworkDescription.StartsWith(".NET", StringComparison.Ordinal);

    /// <summary>Gets the number of this process.</summary>
    public static uint ProcessId { get; } = GetProcessId();

    private static uint GetProcessId()
    {
#pragma warning disable CA1837 // older targets do not have Environment.ProcessId
        using var process = Process.GetCurrentProcess();
        return (uint)process.Id;
#pragma warning restore CA1837
    }
}
