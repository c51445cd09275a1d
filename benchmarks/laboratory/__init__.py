"""Controlled comparisons of vision encoders and mask extractors at the embedded model's size."""
