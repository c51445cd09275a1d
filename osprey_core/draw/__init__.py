"""Regions and captions drawn over a picture."""
