using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Text;
using SharedMemory;

namespace Peer;

/// <summary>Runs the dump command, which prints the bytes and the fields of a map.</summary>
internal static class Dump
{
    private const string Blob = "blob";
    private const int RowSize = 16;
    private const int HexWidth = (RowSize * 3) - 1;
    private const int MaxOpaqueBytes = 64;
    private const string Raw = "raw";
    private const int MaxRawBytes = 256;
    private const string Hint =
        "; the bytes do not show what they are; --as reads them as blob, TestData, module:Class or "
        + "My.dll:Full.Name";

    public static void Run(CommandLine line, Stream output)
    {
        string? kind = line.Text("--as");
        if (kind is not (null or Blob or nameof(TestData) or Raw))
        {
            throw new UsageException(
                $"--as: \"{kind}\" is not {Blob}, {nameof(TestData)} or {Raw}");
        }

        byte[] bytes = ReadPart(line);
        string hint = string.Empty;
        if (kind is null)
        {
            kind = PictureBlob.IsIn(bytes) ? Blob : Raw;
            hint = kind == Raw ? Hint : string.Empty;
        }

        List<DumpField> fields = kind switch
        {
            Blob => DumpField.OfBlob(bytes, ImageData.FromBytes(bytes)),
            Raw => [new DumpField("bytes", 0, bytes.Length)],
            _ => DumpField.OfTestData(bytes, StructBytes.FromBytes<TestData>(bytes)),
        };
        Commands.Print(
            line,
            output,
            writer =>
            {
                writer.WriteString("map", JsonText.Encode(line.Map));
                writer.WriteString("kind", kind);
                writer.WriteNumber("size", bytes.Length);
                writer.WriteStartArray("fields");
                fields.ForEach(field => field.WriteTo(writer));
                writer.WriteEndArray();
            },
            () => Table(line.Map, kind, hint, bytes, fields));
    }

    private static byte[] ReadPart(CommandLine line)
    {
        long offset = line.Count("--offset") ?? 0;
        long? length = line.Count("--length");
        if (offset < 0 || length < 0)
        {
            throw new UsageException("--offset and --length must not be negative");
        }

        using ShareMemoryHelper helper = Commands.OpenToRead(line);
        MemoryMappedViewAccessor accessor = helper.Accessor;
        long available = Math.Max(0, accessor.Capacity - offset);
        var bytes = new byte[checked((int)Math.Min(length ?? available, available))];
        if (bytes.Length > 0)
        {
            accessor.ReadArray(offset, bytes, 0, bytes.Length);
        }

        return bytes;
    }

    private static string Table(
        string map, string kind, string hint, byte[] bytes, List<DumpField> fields)
    {
        var table = new StringBuilder(
            string.Create(
                CultureInfo.InvariantCulture, $"{map}: {kind}, {bytes.Length} bytes{hint}"));
        int most = kind == Raw ? MaxRawBytes : MaxOpaqueBytes;
        foreach (DumpField field in fields)
        {
            int shown = (int)(field.IsOpaque ? Math.Min(field.Size, most) : field.Size);
            ReadOnlySpan<byte> rest = bytes.AsSpan((int)field.Offset, shown);
            long offset = field.Offset;
            string note = kind == Raw ? string.Empty : field.Note;
            do
            {
                ReadOnlySpan<byte> row = rest[..Math.Min(rest.Length, RowSize)];
                table.Append('\n').Append(Row(offset, row, note));
                rest = rest[row.Length..];
                offset += row.Length;
                note = string.Empty;
            }
            while (!rest.IsEmpty);

            if (shown < field.Size)
            {
                table.Append(
                    CultureInfo.InvariantCulture, $"\n          … {field.Size - shown} more bytes");
            }
        }

        return table.ToString();
    }

    private static string Row(long offset, ReadOnlySpan<byte> bytes, string note)
    {
        var hex = new StringBuilder(HexWidth);
        var ascii = new StringBuilder(RowSize);
        foreach (byte value in bytes)
        {
            hex.Append(hex.Length > 0 ? " " : string.Empty)
                .Append(CultureInfo.InvariantCulture, $"{value:x2}");
            ascii.Append(value is >= 0x20 and < 0x7f ? (char)value : '.');
        }

        string row = string.Create(
            CultureInfo.InvariantCulture,
            $"{offset:x8}  {hex.ToString().PadRight(HexWidth)}  {ascii.ToString().PadRight(RowSize)}  {note}");
        return row.TrimEnd(' ');
    }
}
