"""Random C# types, and their layouts compared with those of .NET."""
