using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.InteropServices;

namespace SharedMemory;

/// <summary>
/// Checks arrays that are in a structure itself (<see cref="UnmanagedType.ByValArray"/>). .NET refuses
/// an array that is too short. Mono would write the memory after the array into the structure.
/// </summary>
internal static class EmbeddedArrays
{
    private const BindingFlags Declared = BindingFlags.Instance | BindingFlags.Public
        | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>
    /// Throws if an array of the value, or of a part of it, has fewer elements than its field. Null is
    /// allowed: the marshaller writes zeros.
    /// </summary>
    /// <exception cref="ArgumentException">An array is too short.</exception>
    public static void Check<T>(T value)
    {
        if (Of<T>.Fields.Length > 0)
        {
            CheckFields(Of<T>.Fields, value!);
        }
    }

    private static void CheckFields(Field[] fields, object owner)
    {
        foreach (Field field in fields)
        {
            object? value = field.Info.GetValue(owner);
            if (value is Array array)
            {
                CheckArray(field, array);
            }
            else if (value is not null)
            {
                CheckFields(field.Parts, value);
            }
        }
    }

    private static void CheckArray(Field field, Array array)
    {
        if (array.Length < field.Count)
        {
            throw new ArgumentException(
                $"{field.Info.DeclaringType!.Name}.{field.Info.Name} has {array.Length} elements, its"
                + $" ByValArray {field.Count}.");
        }

        if (field.Parts.Length > 0)
        {
            // The marshaller ignores the elements after these.
            foreach (object element in array.Cast<object>().Take(field.Count))
            {
                CheckFields(field.Parts, element);
            }
        }
    }

    /// <summary>Returns the fields with arrays: those of a type, and those of its base classes.</summary>
    /// <param name="type">The type.</param>
    /// <param name="outer">The types that have this type in a field. None has itself.</param>
    [UnconditionalSuppressMessage(
        "Trimming",
        "IL2070",
        Justification = "The trimmer keeps the fields of structures. A native program has no description of"
            + " their arrays: there, nothing is checked.")]
    private static Field[] FieldsOf(Type type, Type[] outer)
    {
        if (outer.Contains(type))
        {
            return [];
        }

        Field[] inherited = type.BaseType is { } parent && HasLayout(parent) ? FieldsOf(parent, outer) : [];
        IEnumerable<Field?> own = type.GetFields(Declared).Select(info => FieldOf(info, [.. outer, type]));
        return [.. inherited, .. own.OfType<Field>()];
    }

    /// <summary>Returns a description of a field; null if there is no array in it.</summary>
    private static Field? FieldOf(FieldInfo info, Type[] outer)
    {
        Type type = info.FieldType;
        if (!type.IsArray)
        {
            Field[] parts = HasLayout(type) ? FieldsOf(type, outer) : [];
            return parts.Length > 0 ? new Field(info, 0, parts) : null;
        }

        if (info.GetCustomAttribute<MarshalAsAttribute>() is not { Value: UnmanagedType.ByValArray } found)
        {
            return null;
        }

        Type element = type.GetElementType()!;
        return new Field(
            info,
            found.SizeConst,
            element.IsValueType && HasLayout(element) ? FieldsOf(element, outer) : []);
    }

    private static bool HasLayout(Type type) =>
        !type.IsPrimitive && !type.IsEnum && (type.IsLayoutSequential || type.IsExplicitLayout);

    /// <summary>Keeps what was found for a type.</summary>
    private static class Of<T>
    {
        public static readonly Field[] Fields = FieldsOf(typeof(T), []);
    }

    /// <summary>Describes a field that has an array, or whose parts have one.</summary>
    private sealed class Field(FieldInfo info, int count, Field[] parts)
    {
        public FieldInfo Info { get; } = info;

        /// <summary>Gets the number of elements that the structure has.</summary>
        public int Count { get; } = count;

        public Field[] Parts { get; } = parts;
    }
}
