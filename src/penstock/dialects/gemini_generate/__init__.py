"""The Gemini dialect: generateContent, whole or as a stream."""
