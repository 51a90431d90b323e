using System.Runtime.InteropServices;

namespace SharedMemory;

/// <summary>Represents the structure of docs/format.md. It has 48 bytes in its marshalled layout.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, CharSet = CharSet.Ansi)]
public struct TestData : IValidated
{
    /// <summary>The identifier, at offset 0.</summary>
    public int Id;

    /// <summary>The age, at offset 4.</summary>
    public int Age;

    /// <summary>The scores, at offset 8. There must be <see cref="ScoreCount"/> of them.</summary>
    [MarshalAs(UnmanagedType.ByValArray, SizeConst = 10)]
    public int[] Scores;

    /// <summary>The number of scores.</summary>
    public const int ScoreCount = 10;

    private const int AgeOffset = 4;
    private const int ScoresOffset = 8;

    /// <summary>Creates a value from numbers, after checking that they fit.</summary>
    /// <param name="id">The <see cref="Id"/>.</param>
    /// <param name="age">The <see cref="Age"/>.</param>
    /// <param name="scores">The <see cref="Scores"/>. Null is the same as an empty list.</param>
    /// <returns>The value.</returns>
    /// <exception cref="MapFormatException">A number is out of range, or the count is wrong.</exception>
    public static TestData Create(long id, long age, IReadOnlyList<long>? scores)
    {
        int checkedId = ToInt32("Id", 0, id);
        int checkedAge = ToInt32("Age", AgeOffset, age);
        CheckCount(scores?.Count ?? 0);
        var checkedScores = new int[ScoreCount];
        for (int index = 0; index < ScoreCount; index++)
        {
            checkedScores[index] = ToInt32(
                FormattableString.Invariant($"Scores[{index}]"),
                ScoresOffset + (index * sizeof(int)),
                scores![index]);
        }

        return new TestData { Id = checkedId, Age = checkedAge, Scores = checkedScores };
    }

    /// <inheritdoc/>
    public readonly void Validate() => CheckCount(Scores?.Length ?? 0);

    /// <summary>Returns a text such as <c>Id=100,Age=20,Scores=60,61,62,63,64,65,66,67,68,69</c>.</summary>
    public override readonly string ToString() => FormattableString.Invariant(
        $"Id={Id},Age={Age},Scores={string.Join(",", Scores ?? [])}");

    private static void CheckCount(int count)
    {
        if (count != ScoreCount)
        {
            throw new MapFormatException(
                FormatErrorKind.WrongCount, "Scores", ScoresOffset, count, ScoreCount);
        }
    }

    private static int ToInt32(string field, int offset, long value)
    {
        if (value < int.MinValue || value > int.MaxValue)
        {
            throw new MapFormatException(
                FormatErrorKind.OutOfRange,
                field,
                offset,
                value,
                value < 0 ? int.MinValue : int.MaxValue);
        }

        return (int)value;
    }
}
