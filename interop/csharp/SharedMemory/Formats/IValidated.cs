namespace SharedMemory;

/// <summary>A value that the marshaller would cut or fill up silently, and that can tell.</summary>
public interface IValidated
{
    /// <summary>Throws <see cref="MapFormatException"/> if the value can't be written unchanged.</summary>
    void Validate();
}
