using Xunit;

namespace SharedMemory.Tests;

/// <summary>Runs the checks of library_checks.cs, one test for each.</summary>
public class LibraryTests
{
    private const string Directory = "/dev/shm";

    public static TheoryData<string> Names => [.. Checks.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Check(string check)
    {
        string map = $"pyshm-test-{Guid.NewGuid():N}";
        Checks.All[check](map);
        Assert.Empty(System.IO.Directory.GetFiles(Directory, $"{map}*"));
    }
}
