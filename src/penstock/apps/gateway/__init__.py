"""The gateway process: the API that callers use."""
