"""The OpenAI chat completions dialect, also spoken by Gemini and by most engines."""
