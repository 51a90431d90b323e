namespace SharedMemory;

/// <summary>Represents a value that the marshaller can truncate or pad without an error.</summary>
public interface IValidated
{
    /// <summary>Throws <see cref="MapFormatException"/> if the marshaller would change the value.</summary>
    void Validate();
}
