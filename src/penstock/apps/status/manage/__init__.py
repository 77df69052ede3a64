"""The page where operators take over, also with control dead."""
