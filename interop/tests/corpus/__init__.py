"""Types of real NuGet packages."""
