"""Python and .NET, tested against each other."""
