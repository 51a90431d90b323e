"""The planted faults."""
