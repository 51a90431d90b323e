using System.Globalization;
using System.Text.Json;

namespace Peer;

/// <summary>Contains the types of elements, by their name in the protocol.</summary>
internal static class ElementTypes
{
    private static readonly Dictionary<string, ElementType> s_types = new()
    {
        ["boolean"] = new ElementType<bool>(
            static (view, position) => view.ReadBoolean(position),
            static (view, position, value) => view.Write(position, value),
            static (writer, value) => writer.WriteBooleanValue(value),
            static json => json.GetBoolean()),
        ["byte"] = new ElementType<byte>(
            static (view, position) => view.ReadByte(position),
            static (view, position, value) => view.Write(position, value),
            static (writer, value) => writer.WriteNumberValue((int)value),
            static json => checked((byte)Integer(json))),
        ["sbyte"] = new ElementType<sbyte>(
            static (view, position) => view.ReadSByte(position),
            static (view, position, value) => view.Write(position, value),
            static (writer, value) => writer.WriteNumberValue((int)value),
            static json => checked((sbyte)Integer(json))),
        ["char"] = new ElementType<char>(
            static (view, position) => view.ReadChar(position),
            static (view, position, value) => view.Write(position, value),
            static (writer, value) => writer.WriteNumberValue((int)value),
            static json => (char)checked((ushort)Integer(json))),
        ["int16"] = new ElementType<short>(
            static (view, position) => view.ReadInt16(position),
            static (view, position, value) => view.Write(position, value),
            static (writer, value) => writer.WriteNumberValue((int)value),
            static json => checked((short)Integer(json))),
        ["uint16"] = new ElementType<ushort>(
            static (view, position) => view.ReadUInt16(position),
            static (view, position, value) => view.Write(position, value),
            static (writer, value) => writer.WriteNumberValue((int)value),
            static json => checked((ushort)Integer(json))),
        ["int32"] = new ElementType<int>(
            static (view, position) => view.ReadInt32(position),
            static (view, position, value) => view.Write(position, value),
            static (writer, value) => writer.WriteNumberValue(value),
            static json => checked((int)Integer(json))),
        ["uint32"] = new ElementType<uint>(
            static (view, position) => view.ReadUInt32(position),
            static (view, position, value) => view.Write(position, value),
            static (writer, value) => writer.WriteNumberValue(value),
            static json => checked((uint)Integer(json))),
        ["int64"] = new ElementType<long>(
            static (view, position) => view.ReadInt64(position),
            static (view, position, value) => view.Write(position, value),
            static (writer, value) => writer.WriteNumberValue(value),
            static json => checked((long)Integer(json))),
        ["uint64"] = new ElementType<ulong>(
            static (view, position) => view.ReadUInt64(position),
            static (view, position, value) => view.Write(position, value),
            static (writer, value) => writer.WriteNumberValue(value),
            static json => checked((ulong)Integer(json))),
        // The bits, because a decimal number can't represent every NaN.
        ["single"] = new ElementType<float>(
            static (view, position) => view.ReadSingle(position),
            static (view, position, value) => view.Write(position, value),
            static (writer, value) => writer.WriteStringValue(
                BitConverter.SingleToUInt32Bits(value).ToString("x8", CultureInfo.InvariantCulture)),
            static json => BitConverter.UInt32BitsToSingle(
                uint.Parse(json.GetString()!, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))),
        ["double"] = new ElementType<double>(
            static (view, position) => view.ReadDouble(position),
            static (view, position, value) => view.Write(position, value),
            static (writer, value) => writer.WriteStringValue(
                BitConverter.DoubleToUInt64Bits(value).ToString("x16", CultureInfo.InvariantCulture)),
            static json => BitConverter.UInt64BitsToDouble(
                ulong.Parse(json.GetString()!, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))),
        ["decimal"] = new ElementType<decimal>(
            static (view, position) => view.ReadDecimal(position),
            static (view, position, value) => view.Write(position, value),
            static (writer, value) =>
                writer.WriteStringValue(value.ToString(CultureInfo.InvariantCulture)),
            static json => decimal.Parse(
                json.GetString()!,
                NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture)),
    };

    public static ElementType Get(string name) => s_types.TryGetValue(name, out ElementType? type)
        ? type
        : throw new ProtocolException($"unknown type \"{name}\"");

    private static Int128 Integer(JsonElement json) => StepArguments.ParseInteger(json);
}
