"""How the tables of identity came to be, step by step (Alembic)."""
