"""Steps of the chat database."""
