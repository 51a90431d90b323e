"""Models of the channels' protocol, each with mutations that it must notice."""
