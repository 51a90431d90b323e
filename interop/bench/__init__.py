"""Speed of pyshm, compared with the plainest ways that Python offers (docs/speed.md)."""
