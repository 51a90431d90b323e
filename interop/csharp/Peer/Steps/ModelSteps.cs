using System.IO.MemoryMappedFiles;
using SharedMemory;

namespace Peer;

/// <summary>Implements the steps with pictures, structures and bytes in a map.</summary>
internal sealed class ModelSteps(ObjectStore store)
{
    public void AddTo(Dictionary<string, Step> table)
    {
        table["helper"] = Open;
        table["write-bytes"] = WriteBytes;
        table["read-bytes"] = ReadBytes;
        table["write-image"] = WriteImage;
        table["read-image"] = ReadImage;
        table["write-struct"] = WriteStruct;
        table["read-struct"] = ReadStruct;
    }

    private StepValue? Open(StepArguments arguments)
    {
        string target = arguments.RequiredText("as");
        var helper = new ShareMemoryHelper(
            arguments.Text("name"),
            arguments.Int64("capacity", ShareMemoryHelper.DefaultCapacity),
            arguments.Enumeration("access", MemoryMappedFileAccess.ReadWrite));
        switch (arguments.Text("how") ?? "create-or-open")
        {
            case "create-or-open":
                helper.CreateOrOpen();
                break;
            case "open":
                helper.Open();
                break;
            case "create-from-file":
                helper.CreateFromFile(arguments.Text("path")!);
                break;
            default:
                throw new ProtocolException($"unknown way to open: \"{arguments.Text("how")}\"");
        }

        store.Put(target, helper);
        return null;
    }

    private ShareMemoryHelper? Helper(StepArguments arguments) =>
        arguments.Text("helper") is { } name ? store.Get<ShareMemoryHelper>(name) : null;

    private MemoryMappedViewAccessor Accessor(StepArguments arguments)
    {
        if (Helper(arguments) is not { } helper)
        {
            return store.Get<MemoryMappedViewAccessor>(arguments.RequiredText("map"));
        }

        helper.ThrowIfTruncated();
        return helper.Accessor;
    }

    private StepValue? WriteBytes(StepArguments arguments)
    {
        byte[] bytes = arguments.Bytes("bytes");
        long offset = arguments.Int64("offset", 0);
        if (Helper(arguments) is { } helper)
        {
            helper.WriteBytes(bytes, offset);
        }
        else
        {
            Accessor(arguments).WriteArray(offset, bytes, 0, bytes.Length);
        }

        return null;
    }

    private StepValue ReadBytes(StepArguments arguments)
    {
        if (Helper(arguments) is { } helper)
        {
            return ModelValues.Found(helper.ReadBytes());
        }

        MemoryMappedViewAccessor accessor = Accessor(arguments);
        var bytes = new byte[checked((int)accessor.Capacity)];
        if (bytes.Length > 0)
        {
            accessor.ReadArray(0, bytes, 0, bytes.Length);
        }

        return ModelValues.Found(bytes);
    }

    private StepValue WriteImage(StepArguments arguments)
    {
        MemoryMappedViewAccessor accessor = Accessor(arguments);
        ImageData image = ModelValues.Image(arguments);
        bool replace = arguments.Boolean("replace");
        image.WriteTo(accessor, replace);
        return ModelValues.Written(image.ToBytes(replace));
    }

    private StepValue ReadImage(StepArguments arguments) => ModelValues.Found(
        ImageData.FromAccessor(Accessor(arguments), arguments.Boolean("replace")));

    private StepValue WriteStruct(StepArguments arguments)
    {
        MemoryMappedViewAccessor accessor = Accessor(arguments);
        TestData data = ModelValues.Struct(arguments);
        accessor.WriteStruct(data);
        return ModelValues.Written(StructBytes.ToBytes(data));
    }

    private StepValue ReadStruct(StepArguments arguments) =>
        ModelValues.Found(Accessor(arguments).ReadStruct<TestData>());
}
