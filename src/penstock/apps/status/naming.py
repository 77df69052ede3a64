"""Providers as people call them."""

from typing import Final

PROVIDERS: Final = {"openai": "OpenAI", "google": "Google", "anthropic": "Anthropic"}
