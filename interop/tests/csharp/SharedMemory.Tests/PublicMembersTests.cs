using System.Reflection;
using System.Text.RegularExpressions;
using Xunit;

namespace SharedMemory.Tests;

/// <summary>Finds the public members of the library that no test uses.</summary>
public class PublicMembersTests
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.Instance
        | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static TheoryData<string> Members =>
        [.. typeof(NamedMap).Assembly.GetExportedTypes().SelectMany(MembersOf).Distinct()];

    [Theory]
    [MemberData(nameof(Members))]
    public void A_test_uses_the_member(string member)
    {
        Assert.Matches($@"\b{Regex.Escape(member)}\b", Sources());
    }

    [Fact]
    public void The_members_are_found()
    {
        string[] members = [.. MembersOf(typeof(ImageData)), .. MembersOf(typeof(FormatErrorKind))];
        foreach (string member in new[] { "new ImageData", "WriteTo", "Size", "FormatErrorKind.Truncated" })
        {
            Assert.Contains(member, members);
        }

        Assert.DoesNotContain("get_Size", members);
    }

    /// <summary>Returns what a source contains if it uses the members of a type.</summary>
    private static IEnumerable<string> MembersOf(Type type)
    {
        if (type.GetConstructors().Length > 0)
        {
            yield return $"new {type.Name}";
        }

        foreach (MemberInfo member in type.GetMembers(Declared))
        {
            bool isNamedByItsType = member is FieldInfo { IsLiteral: true };
            // An accessor, or the field that has the value of an enumeration.
            bool isAccessor = member is MethodInfo { IsSpecialName: true } or FieldInfo { IsSpecialName: true };
            if (member is not (ConstructorInfo or Type) && !isAccessor)
            {
                yield return isNamedByItsType ? $"{type.Name}.{member.Name}" : member.Name;
            }
        }
    }

    private static string Sources()
    {
        Assembly tests = typeof(PublicMembersTests).Assembly;
        return string.Concat(tests.GetManifestResourceNames().Select(name =>
        {
            using var reader = new StreamReader(tests.GetManifestResourceStream(name)!);
            return reader.ReadToEnd();
        }));
    }
}
