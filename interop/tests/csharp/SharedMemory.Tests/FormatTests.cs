using System.Text;
using Xunit;

namespace SharedMemory.Tests;

/// <summary>Reads and writes bytes that were written by hand from docs/format.md.</summary>
public class FormatTests
{
    private static readonly byte[] s_blob = [2, 0, 0, 0, 0xC3, 0xA9, 3, 0, 0, 0, 7, 8, 9];

    private static readonly byte[] s_testData =
    [
        100, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 60, 0, 0, 0, 61, 0, 0, 0, 62, 0, 0, 0, 63, 0, 0, 0,
        64, 0, 0, 0, 65, 0, 0, 0, 66, 0, 0, 0, 67, 0, 0, 0, 68, 0, 0, 0, 0, 0, 0, 0x80,
    ];

    /// <summary>Gets the kind, field, offset, value and limit of the error for a blob.</summary>
    public static TheoryData<byte[], string, string, long, long, long?> InvalidBlobs => new()
    {
        { [1, 0, 0], FormatErrorKind.Truncated, "path_length", 0, 3, 4 },
        { [0, 0, 0, 0], FormatErrorKind.Truncated, "content_length", 4, 4, 8 },
        { [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], FormatErrorKind.NegativeLength, "path_length", 0, -1, 0 },
        { [0xFE, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], FormatErrorKind.NegativeLength, "path_length", 0, -2, 0 },
        { [5, 0, 0, 0, 0, 0, 0, 0], FormatErrorKind.LengthExceedsBuffer, "path_length", 0, 5, 4 },
        { [0, 0, 0, 0, 0, 0, 0, 0x80], FormatErrorKind.NegativeLength, "content_length", 4, int.MinValue, 0 },
        { [0, 0, 0, 0, 2, 0, 0, 0, 1], FormatErrorKind.LengthExceedsBuffer, "content_length", 4, 2, 1 },
        { [2, 0, 0, 0, 0x61, 0xC3, 0, 0, 0, 0], FormatErrorKind.InvalidUtf8, "path", 5, 0xC3, null },
    };

    [Fact]
    public void A_blob_is_read_and_written()
    {
        ImageData image = ImageData.FromBytes(s_blob);
        Assert.Equal("é", image.Path);
        Assert.Equal([7, 8, 9], image.Content.ToArray());
        Assert.Equal(13, image.Size);
        Assert.Equal(s_blob, new ImageData("é", new byte[] { 7, 8, 9 }).ToBytes());
    }

    [Theory]
    [MemberData(nameof(InvalidBlobs))]
    public void An_invalid_blob_is_described(
        byte[] blob, string kind, string field, long offset, long value, long? limit)
    {
        var error = Assert.Throws<MapFormatException>(() => ImageData.FromBytes(blob));
        Assert.Equal((kind, field), (error.Kind, error.Field));
        Assert.Equal((offset, value, limit), (error.Offset, error.Value, error.Limit));
        string end = (limit is null ? "" : $", limit {limit}") + (value != -1 ? ""
            : ": a write is in progress, or the writer was killed during it");
        Assert.Equal($"{kind}: {field} at offset {offset}, value {value}{end}", error.Message);
    }

    [Fact]
    public void Invalid_utf8_is_replaced_on_request()
    {
        byte[] blob = [2, 0, 0, 0, 0x61, 0xC3, 0, 0, 0, 0];
        Assert.Equal("a\uFFFD", ImageData.FromBytes(blob, replaceInvalidUtf8: true).Path);
        var image = new ImageData("a\uD800", default);
        Assert.Equal(0xD800, Assert.Throws<MapFormatException>(() => image.ToBytes()).Value);
        Assert.Equal([4, 0, 0, 0, 0x61, 0xEF, 0xBF, 0xBD, 0, 0, 0, 0], image.ToBytes(replaceInvalidUtf8: true));
    }

    [Fact]
    public void Test_data_is_read_and_written()
    {
        var value = StructBytes.FromBytes<TestData>(s_testData);
        Assert.Equal((100, -1), (value.Id, value.Age));
        Assert.Equal([60, 61, 62, 63, 64, 65, 66, 67, 68, int.MinValue], value.Scores);
        Assert.Equal("Id=100,Age=-1,Scores=60,61,62,63,64,65,66,67,68,-2147483648", value.ToString());
        Assert.Equal(s_testData, StructBytes.ToBytes(value));
        var destination = new byte[49];
        Assert.Equal(48, StructBytes.WriteStruct(destination, value));
        Assert.Equal([.. s_testData, 0], destination);
    }

    [Fact]
    public void Test_data_is_checked()
    {
        long[] scores = new long[TestData.ScoreCount];
        scores[9] = long.MaxValue;
        AssertError(() => TestData.Create(0, 0, scores), FormatErrorKind.OutOfRange, "Scores[9]", 44);
        AssertError(() => TestData.Create(0, -1L << 31 << 1, null), FormatErrorKind.OutOfRange, "Age", 4);
        AssertError(() => TestData.Create(0, 0, null), FormatErrorKind.WrongCount, "Scores", 8);
        IValidated value = default(TestData);
        AssertError(value.Validate, FormatErrorKind.WrongCount, "Scores", 8);
        TestData.Create(1, 2, new long[10]).Validate();
    }

    [Fact]
    public void A_short_buffer_is_refused()
    {
        AssertError(
            () => StructBytes.FromBytes<TestData>(new byte[47]), FormatErrorKind.Truncated, "TestData", 0);
        TestData value = TestData.Create(1, 2, new long[10]);
        AssertError(
            () => StructBytes.WriteStruct(new byte[47], value), FormatErrorKind.DoesNotFit, "TestData", 0);
        AssertError(
            () => new ImageData("x", default).WriteTo(new byte[8]), FormatErrorKind.DoesNotFit, "blob", 0);
    }

    [Fact]
    public void An_error_has_what_it_is_given()
    {
        var error = new MapFormatException(FormatErrorKind.TooLong, "path");
        Assert.Equal("too-long: path", error.Message);
        Assert.Null(error.Offset ?? error.Value ?? error.Limit);
    }

    [Fact]
    public void A_helper_exchanges_what_it_writes()
    {
        string map = $"pyshm-test-{Guid.NewGuid():N}";
        using var writer = new ShareMemoryHelper(map, 64);
        writer.CreateOrOpen();
        using var reader = new ShareMemoryHelper(map, 64);
        reader.Open();
        writer.WriteImage(ImageData.FromBytes(s_blob));
        Assert.Equal("é", reader.ReadImage().Path);
        Assert.Equal(s_blob, reader.ReadBytes().Take(13));
        Assert.Equal("é", ImageData.FromAccessor(reader.Accessor).Path);
        writer.WriteStruct(StructBytes.FromBytes<TestData>(s_testData));
        Assert.Equal(100, reader.ReadStruct<TestData>().Id);
        writer.WriteBytes(Encoding.ASCII.GetBytes("end"), 61);
        Assert.Equal("end", Encoding.ASCII.GetString(reader.ReadBytes(), 61, 3));
    }

    private static void AssertError(Action action, string kind, string field, long offset)
    {
        var error = Assert.Throws<MapFormatException>(action);
        Assert.Equal((kind, field, offset), (error.Kind, error.Field, error.Offset));
    }

    private static void AssertError(Func<object> function, string kind, string field, long offset) =>
        AssertError(() => { function(); }, kind, field, offset);
}
