"""pyshm.testing, which users have."""
