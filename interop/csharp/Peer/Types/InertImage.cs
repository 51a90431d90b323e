using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Peer;

/// <summary>Reads an assembly file and disables its initializers, so that none of its code runs.</summary>
/// <remarks>
/// The runtime calls static constructors and the module initializer when an object is created, and
/// when code that uses a type is compiled. Layouts do not depend on them. In the loaded copy, they
/// are ordinary methods that no code calls.
/// </remarks>
internal static class InertImage
{
    private const string TypeInitializer = ".cctor";

    // Columns of the table MethodDef (ECMA-335 II.22.26), in bytes from the start of a row.
    private const int FlagsColumn = 6;
    private const int NameColumn = 8;

    private const ushort SpecialFlags =
        (ushort)(MethodAttributes.SpecialName | MethodAttributes.RTSpecialName);

    /// <summary>Returns the changed bytes of an assembly file.</summary>
    /// <exception cref="BadImageFormatException">The file is not an assembly.</exception>
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
        // Any name that is not that of a constructor.
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
