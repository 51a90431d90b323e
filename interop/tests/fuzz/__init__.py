"""Random types."""
