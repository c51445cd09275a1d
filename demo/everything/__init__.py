"""The table of all segments found in the picture."""
