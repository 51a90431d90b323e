namespace Peer;

/// <summary>Stores the objects that steps create, by name.</summary>
internal sealed class ObjectStore
{
    private readonly Dictionary<string, Entry> _entries = [];

    /// <summary>
    /// Stores an object and the stream that it was created from. Disposes of the old object.
    /// </summary>
    public void Put(string name, IDisposable value, FileStream? origin = null)
    {
        if (_entries.Remove(name, out Entry old))
        {
            old.Dispose();
        }

        _entries.Add(name, new Entry(value, origin));
    }

    /// <summary>Returns the object with a name.</summary>
    public IDisposable Get(string name) => Find(name).Value;

    /// <summary>Returns the object with a name. Throws if it does not have the type.</summary>
    public T Get<T>(string name)
        where T : class =>
        Get(name) as T
        ?? throw new ProtocolException($"\"{name}\" is a {Get(name).GetType().Name}, not a {typeof(T).Name}");

    /// <summary>Returns the stream that the map with a name was created from.</summary>
    public FileStream OriginOf(string name) => Find(name).Origin
        ?? throw new NoObjectException($"\"{name}\" was not created from a stream");

    /// <summary>Removes an object without disposing of it.</summary>
    public void Forget(string name)
    {
        if (!_entries.Remove(name))
        {
            throw NoObject(name);
        }
    }

    /// <summary>Disposes of all objects.</summary>
    public void Reset()
    {
        Entry[] all = [.. _entries.Values];
        _entries.Clear();
        foreach (Entry entry in all)
        {
            entry.Dispose();
        }
    }

    private Entry Find(string name) => _entries.TryGetValue(name, out Entry entry)
        ? entry
        : throw NoObject(name);

    private static NoObjectException NoObject(string name) =>
        new($"no object is stored with the name \"{name}\"");

    private readonly record struct Entry(IDisposable Value, FileStream? Origin)
    {
        public void Dispose()
        {
            Value.Dispose();
            Origin?.Dispose();
        }
    }
}
