"""Pairs of peers: each language as producer and as consumer."""
