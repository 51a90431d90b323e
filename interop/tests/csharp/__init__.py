"""The C# library as C# programs use it."""
