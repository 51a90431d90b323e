using System.Buffers;
using System.Reflection;
using System.Text;
using Xunit;

namespace SharedMemory.Tests;

/// <summary>Compares the validation of UTF-8, and its replacement, with those of .NET.</summary>
public class Utf8Tests
{
    private delegate int Validator(ReadOnlySpan<byte> bytes);

    private delegate string Decoder(ReadOnlySpan<byte> bytes, long fieldOffset, bool replaceInvalid);

    /// <summary>The internal method that returns the index of the first invalid byte.</summary>
    private static readonly Validator s_firstInvalid =
        Internal("SharedMemory.Utf8Sequence", "FirstInvalid").CreateDelegate<Validator>();

    /// <summary>The internal method that decodes.</summary>
    private static readonly Decoder s_decode =
        Internal("SharedMemory.StrictUtf8", "Decode").CreateDelegate<Decoder>();

    [Fact]
    public void All_inputs_up_to_three_bytes()
    {
        Compare([]);
        var bytes = new byte[3];
        for (int value = 0; value < 1 << 24; value++)
        {
            bytes[0] = (byte)(value >> 16);
            bytes[1] = (byte)(value >> 8);
            bytes[2] = (byte)value;
            Compare(bytes);
            if (bytes[0] == 0)
            {
                Compare(bytes.AsSpan(1));
            }

            if (value < 256)
            {
                Compare(bytes.AsSpan(2));
            }
        }
    }

    /// <summary>Compares random inputs: bytes, and valid texts with one changed byte.</summary>
    [Fact]
    public void A_million_random_inputs()
    {
        var random = new Random(20_240_501);
        var bytes = new byte[64];
        for (int round = 0; round < 1_000_000; round++)
        {
            int length = random.Next(1, 17);
            if (round % 2 == 0)
            {
                random.NextBytes(bytes.AsSpan(0, length));
            }
            else
            {
                length = RandomText(random, bytes, length);
                if (round % 4 == 1)
                {
                    bytes[random.Next(length)] = (byte)random.Next(256);
                }
            }

            Compare(bytes.AsSpan(0, length));
        }
    }

    private static MethodInfo Internal(string type, string method) => typeof(ImageData).Assembly
        .GetType(type, throwOnError: true)!
        .GetMethod(method, BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)!;

    private static int RandomText(Random random, byte[] bytes, int count)
    {
        int length = 0;
        for (int index = 0; index < count; index++)
        {
            int limit = random.Next(4) switch { 0 => 0x80, 1 => 0x800, 2 => 0x1_0000, _ => 0x11_0000 };
            int value = random.Next(limit);
            var rune = Rune.IsValid(value) ? new Rune(value) : Rune.ReplacementChar;
            length += rune.EncodeToUtf8(bytes.AsSpan(length));
        }

        return length;
    }

    private static void Compare(ReadOnlySpan<byte> bytes)
    {
        int expected = 0;
        while (Rune.DecodeFromUtf8(bytes[expected..], out _, out int used) == OperationStatus.Done)
        {
            expected += used;
        }

        int found = s_firstInvalid(bytes);
        if (found != expected)
        {
            Assert.Fail($"{Convert.ToHexString(bytes)}: expected {expected}, found {found}");
        }

        // Decoding takes longer. Three bytes of which the first is a character are two bytes again.
        bool isDecoded = bytes.Length != 3 || bytes[0] >= 0xC0;
        if (isDecoded && s_decode(bytes, 0, true) != Encoding.UTF8.GetString(bytes))
        {
            Assert.Fail($"{Convert.ToHexString(bytes)}: decoded as {s_decode(bytes, 0, true)}");
        }
    }
}
