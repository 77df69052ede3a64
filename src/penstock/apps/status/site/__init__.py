"""The static site: every page, feed and JSON document, rendered whole after each change."""
