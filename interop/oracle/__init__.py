"""What is true of a map's bytes, found without pyshm."""
