using Cameras;

// dotnet run -- camera|viewer [--channel NAME] [--frames N]
string Option(string name, string otherwise) =>
    Array.IndexOf(args, name) is int index and >= 0 ? args[index + 1] : otherwise;

string channel = Option("--channel", "camera");
long frames = long.Parse(Option("--frames", long.MaxValue.ToString()));
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, key) =>
{
    key.Cancel = true; // end the program below, so that the channel is closed
    stop.Cancel();
};

switch (args.FirstOrDefault())
{
    case "camera":
        Camera.Run(channel, frames, stop.Token);
        return 0;
    case "viewer":
        Viewer.Run(channel, frames, stop.Token);
        return 0;
    default:
        Console.Error.WriteLine("usage: dotnet run -- camera|viewer [--channel NAME] [--frames N]");
        return 2;
}
