"""The configuration file: its model, its reader, its checks."""
