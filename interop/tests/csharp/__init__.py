"""The C# half as C# programs use it."""
