"""Data sets of others, read as they are published."""
