"""User reports: votes of people on what fails for them."""
