"""The pytest plugin: options, selection, results."""
