"""Runs the code blocks in the pages of docs/."""
