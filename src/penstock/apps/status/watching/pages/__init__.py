"""Providers' own status pages: read tolerantly, asked politely, believed with care."""
