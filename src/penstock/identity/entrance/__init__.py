"""How people come in, as pages: log-in, links that work once, their account; for any surface."""
