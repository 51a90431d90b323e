"""pyshm.testing."""
