"""What the data plane needs to know: built, written and read here."""
