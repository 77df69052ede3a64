"""The console: pages for operators, made on the server."""
