using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Text.Json;
using SharedMemory;

namespace Peer;

/// <summary>
/// Opens, creates and closes maps of one name at random while other processes do the same, and
/// checks that it shares memory with them (docs/protocol.md, "stress").
/// </summary>
/// <remarks>
/// The token is in a slot of the map that only this peer writes. So the peers do not race, and a peer
/// that is killed before it writes does not stop the others.
/// </remarks>
internal sealed class Stress(string name, int seed, int slot) : IDisposable
{
    private const long Capacity = 4096;
    private const int MaxHandles = 3;
    private const int MaxDescriptions = 5;
    private const int MaxPause = 30_000; // iterations of SpinWait, about 0.5 ms

    private readonly Random _random = new(seed);
    private readonly List<Handle> _held = [];
    private readonly List<string> _wrong = [];
    private readonly long _position = 8L * slot;
    private ulong _token; // what this peer wrote last to its slot, in any map
    private int _round;
    private int _created;
    private int _opened;
    private int _either;
    private int _missing;
    private int _existing;

    private enum Method
    {
        CreateNew,
        CreateOrOpen,
        OpenExisting,
    }

    /// <summary>Runs the step and returns its counts and errors.</summary>
    public static StepValue Run(StepArguments arguments)
    {
        int rounds = arguments.Int32("rounds");
        var stress = new Stress(
            arguments.RequiredText("name"), arguments.Int32("seed"), arguments.Int32("slot"));
        using (stress)
        {
            for (stress._round = 0; stress._round < rounds; stress._round++)
            {
                stress.Round();
            }
        }

        return writer => stress.Write(writer, rounds);
    }

    /// <summary>Releases all handles.</summary>
    public void Dispose()
    {
        foreach (Handle handle in _held)
        {
            handle.Dispose();
        }

        _held.Clear();
    }

    private static string Hex(ulong token) => token.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Checks the handles, then releases one or gets another one.</summary>
    private void Round()
    {
        if (_held.Count > 0)
        {
            Check();
        }

        if (_held.Count == MaxHandles || (_held.Count > 0 && _random.NextDouble() < 0.7))
        {
            int index = _random.Next(_held.Count);
            _held[index].Dispose();
            _held.RemoveAt(index);
            return;
        }

        if (_held.Count == 0 && _random.NextDouble() < 0.5)
        {
            Thread.SpinWait(_random.Next(MaxPause));
        }

        Enter((Method)_random.Next(3));
    }

    /// <summary>Checks that the name and all handles have the same memory.</summary>
    private void Check()
    {
        if (Get(Method.OpenExisting) is { } again)
        {
            using (again)
            {
                Compare(nameof(Method.OpenExisting), again);
            }
        }

        foreach (Handle handle in _held)
        {
            Compare("a handle that is held", handle);
        }
    }

    /// <summary>Gets another handle and checks its memory.</summary>
    private void Enter(Method method)
    {
        if (Get(method) is not { } handle)
        {
            return;
        }

        ulong found = Read(handle);
        switch (method)
        {
            case Method.CreateNew:
                _created++;
                if (_held.Count > 0)
                {
                    Report("CreateNew created a map whose name this process holds");
                }
                else if (found != 0)
                {
                    Report($"CreateNew returned a map that holds {Hex(found)}");
                }

                break;
            case Method.CreateOrOpen:
                _either++;
                break;
            default:
                _opened++;
                break;
        }

        // This is either a new map or the last one, if other peers held it meanwhile. An older token
        // means that two maps existed at the same time.
        if (method != Method.CreateNew && _held.Count == 0 && found != 0 && found != _token)
        {
            Report($"{method} returned a map that holds {Hex(found)}, an older token");
        }

        if (_held.Count > 0)
        {
            Compare(method.ToString(), handle);
        }
        else
        {
            _token = (ulong)_random.NextInt64(1, long.MaxValue);
            handle.View.Write(_position, _token);
        }

        _held.Add(handle);
    }

    private Handle? Get(Method method)
    {
        NamedMap? map = null;
        try
        {
            map = method switch
            {
                Method.CreateNew => NamedMap.CreateNew(name, Capacity),
                Method.CreateOrOpen => NamedMap.CreateOrOpen(name, Capacity),
                _ => NamedMap.OpenExisting(name),
            };
            return new Handle(map, map.CreateViewAccessor());
        }
#pragma warning disable CA1031 // every error is a result of the step
        catch (Exception error)
#pragma warning restore CA1031
        {
            map?.Dispose();
            string kind = ErrorReport.KindOf(error);
            bool isExpected = false;
            if (kind == "already-exists")
            {
                _existing++;
                isExpected = method == Method.CreateNew;
            }
            else if (kind == "not-found")
            {
                _missing++;
                isExpected = method == Method.OpenExisting && _held.Count == 0;
            }

            if (!isExpected)
            {
                Report($"{method}: {kind}: {error.GetType().Name}: {error.Message}");
            }

            return null;
        }
    }

    private ulong Read(Handle handle) => handle.View.ReadUInt64(_position);

    private void Compare(string subject, Handle handle)
    {
        ulong found = Read(handle);
        if (found != _token)
        {
            Report($"{subject} shows {Hex(found)}, the map that is held has {Hex(_token)}");
        }
    }

    private void Report(string error)
    {
        if (_wrong.Count < MaxDescriptions)
        {
            _wrong.Add($"round {_round}, {_held.Count} held: {error}");
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

    /// <summary>Represents a map and a view of the whole map.</summary>
    private sealed record Handle(NamedMap Map, MemoryMappedViewAccessor View) : IDisposable
    {
        public void Dispose()
        {
            View.Dispose();
            Map.Dispose();
        }
    }
}
