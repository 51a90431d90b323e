"""The programs that speak docs/protocol.md, and what starts them."""
