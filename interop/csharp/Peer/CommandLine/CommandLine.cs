using System.Globalization;

namespace Peer;

/// <summary>Represents the command line, as docs/protocol.md describes it.</summary>
internal sealed class CommandLine
{
    public const string Help = "--help";

    public const string Usage = """
        usage: Peer write-image MAP FILE [--path TEXT] [--capacity N] [--file] [--json]
               Peer read-image MAP [--out FILE] [--replace] [--file] [--json]
               Peer write-struct MAP [--id N] [--age N] [--scores A,B,...] [--capacity N] [--file] [--json]
               Peer read-struct MAP [--file] [--json]
               Peer dump MAP [--as blob|TestData|raw] [--offset N] [--length N] [--file] [--json]
               Peer serve
        """;

    // For each command: positional arguments, options with a value, and switches.
    private static readonly Dictionary<string, (string[] Positional, string[] Options, string[] Switches)>
        s_grammar = new()
        {
            ["write-image"] = (["MAP", "FILE"], ["--path", "--capacity"], ["--file", "--json"]),
            ["read-image"] = (["MAP"], ["--out"], ["--replace", "--file", "--json"]),
            ["write-struct"] =
                (["MAP"], ["--id", "--age", "--scores", "--capacity"], ["--file", "--json"]),
            ["read-struct"] = (["MAP"], [], ["--file", "--json"]),
            ["dump"] = (["MAP"], ["--as", "--offset", "--length"], ["--file", "--json"]),
            ["serve"] = ([], [], []),
        };

    private readonly List<string> _positional = [];
    private readonly Dictionary<string, string> _options = [];
    private readonly HashSet<string> _switches = [];

    private CommandLine(string command) => Command = command;

    /// <summary>Gets the command, which is the first argument.</summary>
    public string Command { get; }

    /// <summary>Gets MAP: the name of a map, or the path of a file with --file.</summary>
    public string Map => _positional[0];

    /// <summary>Gets FILE, the path of a picture.</summary>
    public string File => _positional[1];

    /// <summary>Parses the arguments.</summary>
    /// <exception cref="UsageException">The arguments are not valid.</exception>
    public static CommandLine Parse(string[] arguments)
    {
        if (arguments.Length == 0)
        {
            return new CommandLine(Help);
        }

        string command = arguments[0];
        if (IsHelp(command))
        {
            return new CommandLine(Help);
        }

        if (!s_grammar.TryGetValue(command, out var grammar))
        {
            throw new UsageException($"unknown command: {command}");
        }

        var line = new CommandLine(command);
        bool onlyPositional = false;
        for (int index = 1; index < arguments.Length; index++)
        {
            string argument = arguments[index];
            if (onlyPositional || argument == "-" || !argument.StartsWith('-'))
            {
                line._positional.Add(argument);
            }
            else if (argument == "--")
            {
                onlyPositional = true;
            }
            else if (IsHelp(argument))
            {
                return new CommandLine(Help);
            }
            else if (grammar.Switches.Contains(argument))
            {
                line._switches.Add(argument);
            }
            else
            {
                line.ParseOption(grammar.Options, arguments, ref index);
            }
        }

        if (line._positional.Count != grammar.Positional.Length)
        {
            string expected = grammar.Positional.Length == 0
                ? "no arguments"
                : string.Join(' ', grammar.Positional);
            throw new UsageException(
                $"{command} takes {expected}, not {line._positional.Count} positional arguments");
        }

        return line;
    }

    /// <summary>Returns whether the command line has a switch.</summary>
    public bool Has(string name) => _switches.Contains(name);

    /// <summary>Returns the text of an option, or null if it is missing.</summary>
    public string? Text(string name) => _options.GetValueOrDefault(name);

    /// <summary>Returns the number of an option. The format checks its range.</summary>
    public long Number(string name, long defaultValue) =>
        Text(name) is { } text ? ToInt64(name, text, ParseNumber(name, text)) : defaultValue;

    /// <summary>Returns the number of an option that counts bytes, or null if it is missing.</summary>
    public long? Count(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        // K, M and G are powers of 1024.
        int unit = text.Length > 1 ? "KMG".IndexOf(char.ToUpperInvariant(text[^1])) : -1;
        Int128 number = ParseNumber(name, unit < 0 ? text : text[..^1]) << (10 * (unit + 1));
        return ToInt64(name, text, number);
    }

    /// <summary>Returns the list of numbers of an option, or null if it is missing.</summary>
    public long[]? Numbers(string name) => Text(name) switch
    {
        null => null,
        "" => [],
        { } text => [.. text.Split(',').Select(item => ToInt64(name, item, ParseNumber(name, item)))],
    };

    private static long ToInt64(string name, string text, Int128 number) =>
        number >= long.MinValue && number <= long.MaxValue
            ? (long)number
            : throw new UsageException($"{name}: {text} is too large");

    private static bool IsHelp(string argument) => argument is "-h" or Help;

    private static Int128 ParseNumber(string name, string text) =>
        Int128.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out Int128 number)
            ? number
            : throw new UsageException($"{name}: \"{text}\" is not an integer");

    private void ParseOption(string[] known, string[] arguments, ref int index)
    {
        string[] parts = arguments[index].Split('=', 2);
        if (!known.Contains(parts[0]))
        {
            throw new UsageException($"{Command}: unknown option {parts[0]}");
        }

        if (parts.Length == 1 && ++index == arguments.Length)
        {
            throw new UsageException($"{parts[0]} needs a value");
        }

        _options[parts[0]] = parts.Length == 2 ? parts[1] : arguments[index];
    }
}
