"""The table of everything that was found in the picture."""
