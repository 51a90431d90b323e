using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace SharedMemory;

/// <summary>
/// Checks arguments. The exceptions have the messages of the methods that only newer versions of
/// .NET have.
/// </summary>
internal static class Guard
{
    /// <summary>Throws if an argument is null.</summary>
    public static void NotNull(
        [NotNull] object? argument,
        [CallerArgumentExpression(nameof(argument))] string? name = null) =>
        _ = argument ?? throw new ArgumentNullException(name);

    /// <summary>Throws if a number is less than 1.</summary>
    public static void Positive(
        long value, [CallerArgumentExpression(nameof(value))] string? name = null) =>
        _ = value > 0
            ? value
            : throw new ArgumentOutOfRangeException(
                name, value, $"{name} ('{value}') must be a non-negative and non-zero value.");

    /// <summary>Throws if an object is disposed.</summary>
    public static void NotDisposed(bool isDisposed, object instance) =>
        NotDisposed(isDisposed, instance.GetType());

    /// <summary>Throws if an object of a type is disposed.</summary>
    public static void NotDisposed(bool isDisposed, Type type) =>
        _ = isDisposed ? throw new ObjectDisposedException(type.FullName) : false;
}
