"""Stand-ins for Claude, GPT and Gemini, with their limits and failures."""
