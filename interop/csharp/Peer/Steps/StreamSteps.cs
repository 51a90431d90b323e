using System.IO.MemoryMappedFiles;

namespace Peer;

/// <summary>Implements the steps with streams.</summary>
internal sealed class StreamSteps(ObjectStore store)
{
    public void AddTo(Dictionary<string, Step> table)
    {
        table["stream-read"] = Read;
        table["stream-write"] = Write;
        table["stream-seek"] = Seek;
        table["stream-set-length"] = SetLength;
    }

    private MemoryMappedViewStream Stream(StepArguments arguments) =>
        store.Get<MemoryMappedViewStream>(arguments.RequiredText("stream"));

    private StepValue Read(StepArguments arguments)
    {
        int count = arguments.Int32("count");
        var buffer = new byte[Math.Max(count, 0)];
        int found = Stream(arguments).Read(buffer, 0, count);
        return writer => writer.WriteStringValue(Hex.Encode(buffer.AsSpan(0, found)));
    }

    private StepValue? Write(StepArguments arguments)
    {
        byte[] bytes = arguments.Bytes("bytes");
        Stream(arguments).Write(bytes, 0, bytes.Length);
        return null;
    }

    private StepValue Seek(StepArguments arguments)
    {
        long position = Stream(arguments).Seek(
            arguments.Int64("offset"), arguments.Enumeration("origin", SeekOrigin.Begin));
        return writer => writer.WriteNumberValue(position);
    }

    private StepValue? SetLength(StepArguments arguments)
    {
        Stream(arguments).SetLength(arguments.Int64("length"));
        return null;
    }
}
