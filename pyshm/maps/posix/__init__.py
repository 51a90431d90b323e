"""Named maps and file maps on POSIX systems (docs/named-maps.md)."""
