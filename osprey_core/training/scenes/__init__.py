"""Drawn scenes for training: things, their arrangement, their pixels and names."""
