"""Reads the database for what is shown: incidents as they were recorded, figures, charts."""
