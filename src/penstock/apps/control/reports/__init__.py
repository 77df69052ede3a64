"""Reports to be kept, printed and published: SLAs of a month, load of a period."""
