"""The programs that speak the protocol of docs/protocol.md, and the functions that start them."""
