"""Planted faults of both libraries, each with the tests that must notice it."""
