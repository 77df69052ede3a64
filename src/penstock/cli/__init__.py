"""The commands: a table of names, each a module loaded only when it is called."""
