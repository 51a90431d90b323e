"""What the NuGet package of the C# library has beside its sources."""
