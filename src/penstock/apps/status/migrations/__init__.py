"""The steps that bring the status database up to date, by Alembic."""
