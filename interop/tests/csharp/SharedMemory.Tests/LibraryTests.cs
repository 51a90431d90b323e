using System.Reflection;
using System.Runtime.Versioning;
using Xunit;

namespace SharedMemory.Tests;

/// <summary>Runs the checks of library_checks.cs, one test for each.</summary>
public class LibraryTests
{
    private const string Directory = "/dev/shm";

    public static TheoryData<string> Names => [.. Checks.All.Keys];

    /// <summary>The property TestedAsset of the project chooses the asset.</summary>
    [Fact]
    public void The_asset_is_the_one_to_test()
    {
        string asset = typeof(LibraryTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(attribute => attribute.Key == "TestedAsset").Value!;
        string found = typeof(NamedMap).Assembly.GetCustomAttribute<TargetFrameworkAttribute>()!.FrameworkName;
        string expected = asset switch
        {
            "net472" => ".NETFramework,Version=v4.7.2",
            "netstandard2.0" => ".NETStandard,Version=v2.0",
            "net8.0" => ".NETCoreApp,Version=v8.0",
            _ => $".NETCoreApp,Version=v{Environment.Version.Major}.0",
        };
        Assert.Equal(expected, found);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Check(string check)
    {
        string map = $"pyshm-test-{Guid.NewGuid():N}";
        Checks.All[check](map);
        Assert.Empty(System.IO.Directory.GetFiles(Directory, $"{map}*"));
    }
}
