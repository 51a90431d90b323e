// The other end of the benchmarks of channels, in C#: `dotnet Channels.dll FOLDER`. It is the same program as
// echo.py: it carries out the commands that it reads, each on a line, and prints a line after each.

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using SharedMemory;

const int Message = 48;
const int FrameSize = 8_000_000;
string folder = args[0];
string name = Path.GetFileName(folder);
var buffer = new byte[Message];

var unix = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
unix.Connect(new UnixDomainSocketEndPoint(Path.Combine(folder, "socket")));
var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
int port = int.Parse(File.ReadAllText(Path.Combine(folder, "port")), CultureInfo.InvariantCulture);
tcp.Connect(IPAddress.Loopback, port);
using var incoming = new FileStream(Path.Combine(folder, "there"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0);
using var outgoing = new FileStream(Path.Combine(folder, "back"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0);
using var there = LatestChannel<byte[]>.Open($"{name}-there");
using var back = LatestChannel<byte[]>.Open($"{name}-back");
using LatestReader<byte[]> reader = there.OpenReader();
using LatestWriter<byte[]> writer = back.OpenWriter();

Console.WriteLine("READY");
while (Console.ReadLine() is { } line)
{
    int space = line.LastIndexOf(' ');
    int count = int.Parse(line[(space + 1)..], CultureInfo.InvariantCulture);
    Console.WriteLine(CarryOut(line[..space], count));
}

string CarryOut(string kind, int count)
{
    switch (kind)
    {
        case "unix socket":
            Echo(unix, count);
            break;
        case "tcp":
            Echo(tcp, count);
            break;
        case "pipe":
            for (int i = 0; i < count; i++)
            {
                incoming.ReadExactly(buffer);
                outgoing.Write(buffer);
            }

            break;
        case "channel":
            for (int i = 0; i < count; i++)
            {
                reader.Wait(Timeout.InfiniteTimeSpan);
                reader.TryReadBytes(buffer, out int length);
                writer.PublishBytes(buffer.AsSpan(0, length));
            }

            break;
        case "channel, spinning":
            for (int i = 0; i < count; i++)
            {
                int length;
                while (!reader.TryReadBytes(buffer, out length))
                {
                }

                writer.PublishBytes(buffer.AsSpan(0, length));
            }

            break;
        case "frames by channel":
            FramesByChannel(count);
            break;
        case "frames by unix socket":
            FramesBySocket(count);
            break;
        case "one way":
            return OneWay();
        case "queue":
            Queue(count);
            break;
    }

    return "done";
}

void Echo(Socket socket, int count)
{
    for (int i = 0; i < count; i++)
    {
        Receive(socket, buffer);
        socket.Send(buffer);
    }
}

static void Receive(Socket socket, Span<byte> target)
{
    while (!target.IsEmpty)
    {
        target = target[socket.Receive(target)..];
    }
}

void FramesByChannel(int count)
{
    using var channel = LatestChannel<byte[]>.Open($"{name}-frames");
    using LatestViewer<byte[]> viewer = channel.OpenViewer();
    viewer.TryHold(out FrameLease old);
    old.Dispose();
    Console.WriteLine("READY");
    for (int i = 0; i < count; i++)
    {
        viewer.Wait(Timeout.InfiniteTimeSpan);
        using FrameLease frame = viewer.Hold();
        buffer[^1] = frame.Span[^1];
        unix.Send(buffer);
    }
}

void FramesBySocket(int count)
{
    var frame = new byte[FrameSize];
    Console.WriteLine("READY");
    for (int i = 0; i < count; i++)
    {
        Receive(unix, frame);
        buffer[^1] = frame[^1];
        unix.Send(buffer);
    }
}

string OneWay()
{
    using var channel = LatestChannel<byte[]>.Open($"{name}-one-way");
    using LatestReader<byte[]> values = channel.OpenReader();
    var ages = new List<long>();
    Console.WriteLine("READY");
    values.Wait(Timeout.InfiniteTimeSpan);
    values.TryReadBytes(buffer, out _);
    var watch = Stopwatch.StartNew();
    TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
    while (values.Wait(Timeout.InfiniteTimeSpan)) // until the writer closes
    {
        values.TryReadBytes(buffer, out _);
        ages.Add((long)(values.Age.TotalMilliseconds * 1_000_000));
    }

    double used = (Process.GetCurrentProcess().TotalProcessorTime - before) / watch.Elapsed;
    ages.Sort();
    return string.Create(
        CultureInfo.InvariantCulture, $"{ages[ages.Count / 2]} {ages[ages.Count * 99 / 100]} {used:F4}");
}

void Queue(int count)
{
    using var channel = QueueChannel<byte[]>.Open($"{name}-queue");
    using QueueReader<byte[]> values = channel.OpenReader();
    Console.WriteLine("READY");
    for (int i = 0; i < count; i++)
    {
        values.Next(Timeout.InfiniteTimeSpan);
    }
}
