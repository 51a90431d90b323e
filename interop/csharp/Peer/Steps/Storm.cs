using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Text.Json;
using SharedMemory;

namespace Peer;

/// <summary>
/// Opens, creates and closes one name at random while others do the same, and proves what it
/// believes to share (docs/protocol.md, "storm").
/// </summary>
/// <remarks>
/// The token stands in a slot of the map that nobody else writes to. So no two peers race for it,
/// whichever of them made the map, and none waits for one that died before it wrote.
/// </remarks>
internal sealed class Storm(string name, int seed, int slot) : IDisposable
{
    private const long Capacity = 4096;
    private const int MostHandles = 3;
    private const int MostDescriptions = 5;
    private const int LongestPause = 30_000; // turns of SpinWait, some 0.5 ms

    private readonly Random _random = new(seed);
    private readonly List<Handle> _held = [];
    private readonly List<string> _wrong = [];
    private readonly long _position = 8L * slot;
    private ulong _token; // what this peer wrote last into its slot, in whichever map
    private int _round;
    private int _created;
    private int _opened;
    private int _either;
    private int _missing;
    private int _existing;

    private enum Way
    {
        CreateNew,
        CreateOrOpen,
        OpenExisting,
    }

    /// <summary>The step: all its rounds, and what came of them.</summary>
    public static StepValue Run(StepArguments arguments)
    {
        int rounds = arguments.Int32("rounds");
        var storm = new Storm(
            arguments.RequiredText("name"), arguments.Int32("seed"), arguments.Int32("slot"));
        using (storm)
        {
            for (storm._round = 0; storm._round < rounds; storm._round++)
            {
                storm.Round();
            }
        }

        return writer => storm.Write(writer, rounds);
    }

    /// <summary>Lets go of every handle.</summary>
    public void Dispose()
    {
        foreach (Handle handle in _held)
        {
            handle.Dispose();
        }

        _held.Clear();
    }

    private static string Hex(ulong token) => token.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Proves what is held; then lets go of something, or gets one more.</summary>
    private void Round()
    {
        if (_held.Count > 0)
        {
            Prove();
        }

        if (_held.Count == MostHandles || (_held.Count > 0 && _random.NextDouble() < 0.7))
        {
            int index = _random.Next(_held.Count);
            _held[index].Dispose();
            _held.RemoveAt(index);
            return;
        }

        if (_held.Count == 0 && _random.NextDouble() < 0.5)
        {
            Thread.SpinWait(_random.Next(LongestPause));
        }

        Enter((Way)_random.Next(3));
    }

    /// <summary>The name has to lead to the memory that is held.</summary>
    private void Prove()
    {
        if (Get(Way.OpenExisting) is { } again)
        {
            using (again)
            {
                Compare(nameof(Way.OpenExisting), again);
            }
        }

        foreach (Handle handle in _held)
        {
            Compare("a handle held", handle);
        }
    }

    /// <summary>Gets one more handle and sees whether it is what it has to be.</summary>
    private void Enter(Way way)
    {
        if (Get(way) is not { } handle)
        {
            return;
        }

        ulong found = Read(handle);
        switch (way)
        {
            case Way.CreateNew:
                _created++;
                if (_held.Count > 0)
                {
                    Complain("CreateNew made a map whose name this process holds");
                }
                else if (found != 0)
                {
                    Complain($"CreateNew gave a map with {Hex(found)} in it");
                }

                break;
            case Way.CreateOrOpen:
                _either++;
                break;
            default:
                _opened++;
                break;
        }

        // A map that others kept alive since, or one made since. An older token than the last one
        // would tell of two maps at the same time.
        if (way != Way.CreateNew && _held.Count == 0 && found != 0 && found != _token)
        {
            Complain($"{way} gave a map with {Hex(found)}, long replaced");
        }

        if (_held.Count > 0)
        {
            Compare(way.ToString(), handle);
        }
        else
        {
            _token = (ulong)_random.NextInt64(1, long.MaxValue);
            handle.View.Write(_position, _token);
        }

        _held.Add(handle);
    }

    private Handle? Get(Way way)
    {
        NamedMap? map = null;
        try
        {
            map = way switch
            {
                Way.CreateNew => NamedMap.CreateNew(name, Capacity),
                Way.CreateOrOpen => NamedMap.CreateOrOpen(name, Capacity),
                _ => NamedMap.OpenExisting(name),
            };
            return new Handle(map, map.CreateViewAccessor());
        }
#pragma warning disable CA1031 // whatever it is, it has to be told
        catch (Exception error)
#pragma warning restore CA1031
        {
            map?.Dispose();
            string kind = ErrorReport.KindOf(error);
            bool isRight = false;
            if (kind == "already-exists")
            {
                _existing++;
                isRight = way == Way.CreateNew;
            }
            else if (kind == "not-found")
            {
                _missing++;
                isRight = way == Way.OpenExisting && _held.Count == 0;
            }

            if (!isRight)
            {
                Complain($"{way}: {kind}: {error.GetType().Name}: {error.Message}");
            }

            return null;
        }
    }

    private ulong Read(Handle handle) => handle.View.ReadUInt64(_position);

    private void Compare(string what, Handle handle)
    {
        ulong found = Read(handle);
        if (found != _token)
        {
            Complain($"{what} shows {Hex(found)}, the map held has {Hex(_token)}");
        }
    }

    private void Complain(string what)
    {
        if (_wrong.Count < MostDescriptions)
        {
            _wrong.Add($"round {_round}, {_held.Count} held: {what}");
        }
    }

    private void Write(Utf8JsonWriter writer, int rounds)
    {
        writer.WriteStartObject();
        writer.WriteNumber("rounds", rounds);
        writer.WriteNumber("created", _created);
        writer.WriteNumber("opened", _opened);
        writer.WriteNumber("either", _either);
        writer.WriteNumber("missing", _missing);
        writer.WriteNumber("existing", _existing);
        writer.WriteStartArray("wrong");
        foreach (string description in _wrong)
        {
            writer.WriteStringValue(JsonText.Encode(description));
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>One hold on the name, with a view of the whole map.</summary>
    private sealed record Handle(NamedMap Map, MemoryMappedViewAccessor View) : IDisposable
    {
        public void Dispose()
        {
            View.Dispose();
            Map.Dispose();
        }
    }
}
