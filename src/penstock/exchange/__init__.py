"""The life of one request, from admission to record. Pure."""
