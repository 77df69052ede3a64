"""The limiter process: the owner of a machine's capacity, for several workers."""
