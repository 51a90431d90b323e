using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace Peer
{
    /// <summary>
    /// Lets an assembly that is created at run time use the internal types of another one.
    /// </summary>
    internal static class AccessChecks
    {
        private static readonly ConstructorInfo s_ignore =
            typeof(IgnoresAccessChecksToAttribute).GetConstructor([typeof(string)])!;

        /// <summary>
        /// Lets <paramref name="assembly"/> use the internal types of <paramref name="other"/>.
        /// </summary>
        public static void Ignore(AssemblyBuilder assembly, Assembly other) =>
            assembly.SetCustomAttribute(new CustomAttributeBuilder(s_ignore, [other.GetName().Name!]));
    }
}

// The runtime recognizes this attribute by its full name. No library declares it.
namespace System.Runtime.CompilerServices
{
    /// <summary>Specifies that the assembly can use the internal types of another one.</summary>
    [AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
    internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
    {
        /// <summary>Gets the simple name of the other assembly.</summary>
        public string AssemblyName { get; } = assemblyName;
    }
}
