"""Closer looks at what the model makes of a region."""
