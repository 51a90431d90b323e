"""Tests of the harness, and of both languages against each other: one folder for each subject."""
