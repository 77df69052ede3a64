"""What all pages share: tokens, templates, parts, charts, the shell of reports."""
