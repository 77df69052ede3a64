"""How operators come in: log-in, the first owner, invitations, one's own account."""
