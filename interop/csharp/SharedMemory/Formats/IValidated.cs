namespace SharedMemory;

/// <summary>
/// Represents a value that the marshaller can truncate or pad without an error.
/// <see cref="StructBytes"/> and <see cref="ShareMemoryHelper"/> validate it before each write.
/// </summary>
public interface IValidated
{
    /// <summary>Throws <see cref="MapFormatException"/> if the marshaller would change the value.</summary>
    void Validate();
}
