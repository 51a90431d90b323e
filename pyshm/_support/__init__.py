"""Helpers that belong to no single subject."""
