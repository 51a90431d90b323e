"""The models of the channels' protocol."""
