"""Who may come in: passwords, passkeys, OpenID Connect, sessions; for control and chat."""
