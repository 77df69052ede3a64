"""Charts as SVG, drawn on the server; pure: no file is read, no clock."""
