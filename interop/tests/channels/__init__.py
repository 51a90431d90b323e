"""Storms: channels whose processes are killed at random moments."""
