using SharedMemory;

namespace LinePeer;

/// <summary>
/// Carries out the commands that it reads, one in a line, until its input ends. The words of a line
/// are separated by a space, and %-encoded as in a URI. The answer is a line too: "ok" and the words
/// of the result, or "error", the type, the HResult, the message, and the parts of a format error.
/// </summary>
internal static class Program
{
    private static void Main()
    {
        var commands = new Commands();
        Console.WriteLine("READY");
        while (Console.ReadLine() is { } line)
        {
            Console.WriteLine(string.Join(" ", Answer(commands, line).Select(Uri.EscapeDataString)));
        }

        // Nothing is disposed of here. The library releases the maps when the process exits.
    }

    private static string[] Answer(Commands commands, string line)
    {
        try
        {
            return ["ok", .. commands.Run(line.Split(' ').Select(Uri.UnescapeDataString).ToArray())];
        }
        catch (Exception error)
        {
            string[] words = ["error", error.GetType().FullName!, $"{error.HResult:X8}", error.Message];
            return error is MapFormatException format ? [.. words, .. Parts(format)] : words;
        }
    }

    private static string[] Parts(MapFormatException error) =>
        [error.Kind, error.Field, $"{error.Offset}", $"{error.Value}", $"{error.Limit}"];
}
