"""Probes: synthetic requests, one module a kind, made again and again by ``running``."""
