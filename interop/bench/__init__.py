"""How fast pyshm is, beside the plainest ways that Python offers (docs/speed.md)."""
