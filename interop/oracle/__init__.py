"""What is true of the bytes in a map, found without pyshm."""
