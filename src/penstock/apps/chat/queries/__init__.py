"""What the chat reads of its database."""
