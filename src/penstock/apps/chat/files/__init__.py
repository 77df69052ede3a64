"""Images and PDFs of messages: taken, looked into, served, removed."""
