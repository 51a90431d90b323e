"""The exchange of one case between two peers that both hold the map."""
