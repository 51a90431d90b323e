"""One peer at a time: its protocol, its formats, what it says of types."""
