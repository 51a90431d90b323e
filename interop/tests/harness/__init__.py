"""The harness, the documents and the worlds, tested."""
