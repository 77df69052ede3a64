"""The operator API, resource by resource."""
