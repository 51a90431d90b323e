using System.Diagnostics;
using System.Runtime.InteropServices;
using SharedMemory;

namespace Cameras;

/// <summary>What the camera and the viewer agree on.</summary>
internal static class Picture
{
    public const int Height = 720;
    public const int Width = 1280;
    public const int Colors = 3;
    public const int Row = Width * Colors;
    public const int Size = Height * Row;

    /// <summary>An array of bytes with a shape; <c>array=("u1", (720, 1280, 3))</c> in Python.</summary>
    public static LatestChannel<Memory<byte>> CreateOrOpen(string channel) =>
        LatestChannel<Memory<byte>>.CreateOrOpen(channel, new LatestChannelOptions { Capacity = Size });
}

/// <summary>A camera: moving pictures of 1280x720 pixels, 60 times a second.</summary>
internal static class Camera
{
    private const int Rate = 60; // frames a second
    private const int Step = 4; // rows that the picture moves from one frame to the next

    /// <summary>Publishes so many frames, or until the token is canceled.</summary>
    public static void Run(string name, long frames, CancellationToken stop)
    {
        byte[] scene = Scene();
        using LatestChannel<Memory<byte>> channel = Picture.CreateOrOpen(name);
        using (LatestWriter<Memory<byte>> writer = channel.OpenWriter())
        {
            Console.WriteLine("READY");
            long last = frames == long.MaxValue ? frames : writer.Published + frames;
            var clock = Stopwatch.StartNew();
            TimeSpan due = clock.Elapsed;
            while (writer.Published < last && !stop.IsCancellationRequested)
            {
                using (FrameLoan frame = writer.Loan()) // the memory in which the viewers see the frame
                {
                    Draw(frame.Span, scene, writer.Published + 1);
                    frame.Commit([Picture.Height, Picture.Width, Picture.Colors]);
                }

                due += TimeSpan.FromSeconds(1.0 / Rate);
                TimeSpan rest = due - clock.Elapsed;
                if (rest > TimeSpan.Zero)
                {
                    Thread.Sleep(rest);
                }
                else
                {
                    due = clock.Elapsed;
                }
            }
        }

        double seconds = Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds;
        Console.WriteLine($"The camera took {seconds:f1} s of processor time.");
    }

    private static void Draw(Span<byte> picture, byte[] scene, long number)
    {
        int top = (int)(number * Step % Picture.Height);
        scene.AsSpan(top * Picture.Row, Picture.Size).CopyTo(picture);
        for (int row = 0; row < Picture.Height; row++)
        {
            // Each row begins with the number of the frame: a viewer sees whether a frame is torn.
            MemoryMarshal.Write(picture[(row * Picture.Row)..], number);
        }
    }

    /// <summary>Returns a picture of twice the height. A frame shows a part of it.</summary>
    private static byte[] Scene()
    {
        var scene = new byte[2 * Picture.Size];
        for (int index = 0; index < scene.Length; index += Picture.Colors)
        {
            int y = index / Picture.Row % Picture.Height;
            int x = index % Picture.Row / Picture.Colors;
            double fromCenter = Math.Sqrt(Math.Pow(x - (Picture.Width / 2), 2) + Math.Pow(y - (Picture.Height / 2), 2));
            scene[index] = (byte)(127 + (127 * Math.Sin(fromCenter / 20)));
            scene[index + 1] = (byte)(x * 255 / Picture.Width);
            scene[index + 2] = (byte)(y * 255 / Picture.Height);
        }

        return scene;
    }
}
