using System.Text;
using Peer;

// Standard output is a protocol: bytes and line feeds only, on every system.
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
    Complain($"{error.Message}\n{CommandLine.Usage}");
    return 2;
}
#pragma warning disable CA1031 // whatever goes wrong is told in one line, and the status says the rest
catch (Exception error)
#pragma warning restore CA1031
{
    Complain(error.Message.ReplaceLineEndings(" "));
    return 1;
}

static void Complain(string message)
{
    using Stream stream = Console.OpenStandardError();
    stream.Write(Encoding.UTF8.GetBytes($"peer: {message}\n"));
}
