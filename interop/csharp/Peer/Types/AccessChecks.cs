using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace Peer
{
    /// <summary>Lets an assembly that is made at run time use the internal types of another one.</summary>
    internal static class AccessChecks
    {
        private static readonly ConstructorInfo s_ignore =
            typeof(IgnoresAccessChecksToAttribute).GetConstructor([typeof(string)])!;

        public static void Ignore(AssemblyBuilder assembly, Assembly other) =>
            assembly.SetCustomAttribute(new CustomAttributeBuilder(s_ignore, [other.GetName().Name!]));
    }
}

// The runtime knows the attribute by its full name; no library declares it.
namespace System.Runtime.CompilerServices
{
    /// <summary>The assembly may use what is internal to another one.</summary>
    [AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
    internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
    {
        /// <summary>The other assembly's simple name.</summary>
        public string AssemblyName { get; } = assemblyName;
    }
}
