"""The conversation beside the picture."""
