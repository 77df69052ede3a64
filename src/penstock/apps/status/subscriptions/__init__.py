"""Who wants to be told, and telling them."""
