namespace Peer;

/// <summary>The objects that steps have made, by name.</summary>
internal sealed class ObjectStore
{
    private readonly Dictionary<string, Entry> _entries = [];

    /// <summary>Stores an object, and what has to go with it when its name is given up.</summary>
    public void Put(string name, IDisposable value, FileStream? origin = null)
    {
        if (_entries.Remove(name, out Entry old))
        {
            old.Dispose();
        }

        _entries.Add(name, new Entry(value, origin));
    }

    /// <summary>The object of that name.</summary>
    public IDisposable Get(string name) => Find(name).Value;

    /// <summary>The object of that name, which has to be of one type.</summary>
    public T Get<T>(string name)
        where T : class =>
        Get(name) as T
        ?? throw new ProtocolException($"\"{name}\" is a {Get(name).GetType().Name}, not a {typeof(T).Name}");

    /// <summary>The stream that the map of that name was made from.</summary>
    public FileStream OriginOf(string name) => Find(name).Origin
        ?? throw new NoObjectException($"\"{name}\" was not made from a stream");

    /// <summary>Disposes of everything.</summary>
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
        : throw new NoObjectException($"no object is stored as \"{name}\"");

    private readonly record struct Entry(IDisposable Value, FileStream? Origin)
    {
        public void Dispose()
        {
            Value.Dispose();
            Origin?.Dispose();
        }
    }
}
