"""The Anthropic Messages dialect, spoken by Claude and by engines that imitate it."""
