using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Peer;

/// <summary>An assembly file without its initializers, so that nothing of it runs by itself.</summary>
/// <remarks>
/// The runtime runs static constructors and the module initializer on its own accord: when an object
/// is made, and when code that names a type is compiled. No layout depends on them. So in the copy
/// that is loaded they are ordinary methods, which nobody calls.
/// </remarks>
internal static class InertImage
{
    private const string TypeInitializer = ".cctor";

    // Columns of the table MethodDef (ECMA-335 II.22.26), in bytes from the start of a row.
    private const int FlagsColumn = 6;
    private const int NameColumn = 8;

    private const ushort SpecialFlags =
        (ushort)(MethodAttributes.SpecialName | MethodAttributes.RTSpecialName);

    /// <summary>The bytes of a file, to be loaded.</summary>
    /// <exception cref="BadImageFormatException">The file is no assembly.</exception>
    public static byte[] Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        using var image = new PEReader(new MemoryStream(bytes, writable: false));
        if (!image.HasMetadata)
        {
            throw new BadImageFormatException("the file has no .NET metadata", path);
        }

        MetadataReader metadata = image.GetMetadataReader();
        int table = image.PEHeaders.MetadataStartOffset
            + metadata.GetTableMetadataOffset(TableIndex.MethodDef);
        int rowSize = metadata.GetTableRowSize(TableIndex.MethodDef);
        bool wideNames = metadata.GetHeapSize(HeapIndex.String) > ushort.MaxValue;
        // Any name will do that no constructor has.
        int name = MetadataTokens.GetHeapOffset(metadata.GetModuleDefinition().Name);
        foreach (MethodDefinitionHandle handle in metadata.MethodDefinitions)
        {
            if (!metadata.StringComparer.Equals(metadata.GetMethodDefinition(handle).Name, TypeInitializer))
            {
                continue;
            }

            Span<byte> row = bytes.AsSpan(
                table + ((MetadataTokens.GetRowNumber(handle) - 1) * rowSize), rowSize);
            Span<byte> flags = row[FlagsColumn..];
            BinaryPrimitives.WriteUInt16LittleEndian(
                flags, (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(flags) & ~SpecialFlags));
            if (wideNames)
            {
                BinaryPrimitives.WriteInt32LittleEndian(row[NameColumn..], name);
            }
            else
            {
                BinaryPrimitives.WriteUInt16LittleEndian(row[NameColumn..], (ushort)name);
            }
        }

        return bytes;
    }
}
