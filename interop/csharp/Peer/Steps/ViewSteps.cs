using System.IO.MemoryMappedFiles;

namespace Peer;

/// <summary>Implements the steps with views: properties, values and arrays.</summary>
internal sealed class ViewSteps(ObjectStore store)
{
    public void AddTo(Dictionary<string, Step> table)
    {
        table["get"] = Get;
        table["read"] = Read;
        table["write"] = Write;
        table["read-array"] = ReadArray;
        table["write-array"] = WriteArray;
        table["flush"] = Flush;
    }

    private static ElementType Type(StepArguments arguments) =>
        ElementTypes.Get(arguments.RequiredText("type"));

    private static StepValue Number(long number) => writer => writer.WriteNumberValue(number);

    private static StepValue Truth(bool truth) => writer => writer.WriteBooleanValue(truth);

    private static StepValue GetOfAccessor(MemoryMappedViewAccessor view, string property) =>
        property switch
        {
            "capacity" => Number(view.Capacity),
            "pointer_offset" => Number(view.PointerOffset),
            "can_read" => Truth(view.CanRead),
            "can_write" => Truth(view.CanWrite),
            _ => throw new ProtocolException($"an accessor has no property \"{property}\""),
        };

    private static StepValue GetOfStream(MemoryMappedViewStream stream, string property) =>
        property switch
        {
            "length" => Number(stream.Length),
            "position" => Number(stream.Position),
            "pointer_offset" => Number(stream.PointerOffset),
            "can_read" => Truth(stream.CanRead),
            "can_write" => Truth(stream.CanWrite),
            "can_seek" => Truth(stream.CanSeek),
            _ => throw new ProtocolException($"a stream has no property \"{property}\""),
        };

    private MemoryMappedViewAccessor View(StepArguments arguments) =>
        store.Get<MemoryMappedViewAccessor>(arguments.RequiredText("view"));

    private StepValue Get(StepArguments arguments)
    {
        string target = arguments.RequiredText("target");
        string property = arguments.RequiredText("property");
        return store.Get(target) switch
        {
            MemoryMappedViewAccessor view => GetOfAccessor(view, property),
            MemoryMappedViewStream stream => GetOfStream(stream, property),
            _ => throw new ProtocolException($"\"{target}\" is not a view"),
        };
    }

    private StepValue Read(StepArguments arguments) =>
        Type(arguments).Read(View(arguments), arguments.Int64("position"));

    private StepValue? Write(StepArguments arguments)
    {
        Type(arguments).Write(
            View(arguments), arguments.Int64("position"), arguments.Required("value"));
        return null;
    }

    private StepValue ReadArray(StepArguments arguments)
    {
        int count = arguments.Int32("count");
        // A missing argument means the default; null means that there is no array.
        int? length = arguments.Has("length") && arguments.Optional("length") is null
            ? null
            : arguments.Int32("length", Math.Max(count, 0));
        return Type(arguments).ReadArray(
            View(arguments), arguments.Int64("position"), length, arguments.Int32("offset", 0), count);
    }

    private StepValue? WriteArray(StepArguments arguments)
    {
        int? count = arguments.Optional("count") is null ? null : arguments.Int32("count");
        Type(arguments).WriteArray(
            View(arguments),
            arguments.Int64("position"),
            arguments.Optional("items"),
            arguments.Int32("offset", 0),
            count);
        return null;
    }

    private StepValue? Flush(StepArguments arguments)
    {
        string target = arguments.RequiredText("target");
        switch (store.Get(target))
        {
            case MemoryMappedViewAccessor view:
                view.Flush();
                break;
            case MemoryMappedViewStream stream:
                stream.Flush();
                break;
            default:
                throw new ProtocolException($"\"{target}\" is not a view");
        }

        return null;
    }
}
