using System.Text;
using Peer;

// Standard output follows docs/protocol.md: UTF-8 and line feeds on every system.
using Stream output = Console.OpenStandardOutput();
try
{
    CommandLine line = CommandLine.Parse(args);
    switch (line.Command)
    {
        case "serve":
            using (var server = new Server(Console.OpenStandardInput(), output))
            {
                server.Run();
            }

            break;
        case CommandLine.Help:
            output.Write(Encoding.UTF8.GetBytes(CommandLine.Usage + "\n"));
            break;
        default:
            Commands.Run(line, output);
            break;
    }

    return 0;
}
catch (UsageException error)
{
    PrintError($"{error.Message}\n{CommandLine.Usage}");
    return 2;
}
#pragma warning disable CA1031 // every error becomes a message and an exit status
catch (Exception error)
#pragma warning restore CA1031
{
    PrintError(error.Message.ReplaceLineEndings(" "));
    return 1;
}

static void PrintError(string message)
{
    using Stream stream = Console.OpenStandardError();
    stream.Write(Encoding.UTF8.GetBytes($"peer: {message}\n"));
}
