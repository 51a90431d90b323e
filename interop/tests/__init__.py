"""The tests that need interop/: the matrix, and the harness itself."""
