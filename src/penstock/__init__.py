"""Penstock: the resilient pipe for LLM traffic."""
