// Compiled to Common.dll in the same folder, for the tests of pyshm.assemblies.
#pragma warning disable // the tests only read the declarations

namespace Common;

/// <summary>Which way something turns.</summary>
public enum Direction : byte
{
    /// <summary>As the clock does.</summary>
    Clockwise = 1,
    Back = 255,
}

/// <summary>A place in a plane.</summary>
public struct Place
{
    /// <summary>Metres to the east.</summary>
    public double East;
    public double North;
}

public struct Pair<T>
    where T : unmanaged
{
    public T First;
    public T Second;
}
