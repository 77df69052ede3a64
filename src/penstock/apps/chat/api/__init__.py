"""What the pages and programs of a person may call."""
