"""pyshm.codegen and pyshm.assemblies against .NET's reflection and compiler."""
