"""One case, carried out by two peers that hold the same map."""
