using SharedMemory;

namespace Peer;

/// <summary>A channel of any kind and content, for the steps.</summary>
internal abstract class PeerChannel : IDisposable
{
    public abstract PeerWriter OpenWriter();

    public abstract PeerReader OpenReader();

    public abstract PeerReader OpenViewer();

    public abstract void Dispose();
}

/// <summary>Creates and opens channels that carry one type.</summary>
internal abstract class PeerChannels
{
    public abstract PeerChannel Create(StepArguments arguments);

    public abstract PeerChannel Open(StepArguments arguments);

    /// <summary>Returns the channels of the content that a step names.</summary>
    public static PeerChannels Of(StepArguments arguments)
    {
        string content = arguments.RequiredText("content");
        return content switch
        {
            "bytes" => new PeerChannels<byte[]>(new BytesValues()),
            "image" => new PeerChannels<ImageData>(new ImageValues()),
            "array" => ArrayValues.Channels(arguments.RequiredText("dtype")),
            "struct" => StructValues.Channels(arguments.Required("types")),
            _ => throw new ProtocolException($"unknown content \"{content}\""),
        };
    }
}

/// <summary>Creates and opens channels that carry <typeparamref name="T"/>.</summary>
internal sealed class PeerChannels<T>(PeerValues<T> values) : PeerChannels
{
    public override PeerChannel Create(StepArguments arguments)
    {
        string name = arguments.RequiredText("name");
        bool opens = arguments.Text("how") == "create-or-open";
        if (IsQueue(arguments))
        {
            QueueChannelOptions sizes = QueueSizes(arguments);
            return new PeerQueue<T>(
                opens ? QueueChannel<T>.CreateOrOpen(name, sizes) : QueueChannel<T>.Create(name, sizes), values);
        }

        LatestChannelOptions options = LatestSizes(arguments);
        return new PeerLatest<T>(
            opens ? LatestChannel<T>.CreateOrOpen(name, options) : LatestChannel<T>.Create(name, options), values);
    }

    public override PeerChannel Open(StepArguments arguments)
    {
        string name = arguments.RequiredText("name");
        return IsQueue(arguments)
            ? new PeerQueue<T>(QueueChannel<T>.Open(name), values)
            : new PeerLatest<T>(LatestChannel<T>.Open(name), values);
    }

    private static bool IsQueue(StepArguments arguments) => arguments.RequiredText("discipline") == "queue";

    private static long? Capacity(StepArguments arguments) =>
        arguments.Has("capacity") ? arguments.Int64("capacity") : null;

    private static LatestChannelOptions LatestSizes(StepArguments arguments) => new()
    {
        Capacity = Capacity(arguments),
        Pins = arguments.Int32("pins", 1),
        Slots = arguments.Has("slots") ? arguments.Int32("slots") : null,
        ReaderEntries = arguments.Int32("readers", 32),
        PlainArea = arguments.Boolean("plain"),
    };

    private static QueueChannelOptions QueueSizes(StepArguments arguments) => new()
    {
        Capacity = Capacity(arguments),
        Slots = arguments.Int32("slots", 8),
        ReaderEntries = arguments.Int32("readers", 32),
        PlainArea = arguments.Boolean("plain"),
    };
}

/// <summary>A LatestChannel.</summary>
internal sealed class PeerLatest<T>(LatestChannel<T> channel, PeerValues<T> values) : PeerChannel
{
    public override PeerWriter OpenWriter() => new LatestPeerWriter<T>(channel.OpenWriter(), values);

    public override PeerReader OpenReader() => new LatestPeerReader<T>(channel.OpenReader(), values);

    public override PeerReader OpenViewer() => new PeerViewer<T>(channel.OpenViewer());

    public override void Dispose() => channel.Dispose();
}

/// <summary>A QueueChannel.</summary>
internal sealed class PeerQueue<T>(QueueChannel<T> channel, PeerValues<T> values) : PeerChannel
{
    public override PeerWriter OpenWriter() => new QueuePeerWriter<T>(channel.OpenWriter(), values);

    public override PeerReader OpenReader() => new QueuePeerReader<T>(channel.OpenReader(), values);

    public override PeerReader OpenViewer() => throw new ProtocolException("a queue has no viewers");

    public override void Dispose() => channel.Dispose();
}
