"""Telling others: webhooks, chat systems, mail; through one helper that guards where we call."""
