"""The published preprocessing under its public name; see `osprey_core.model.preprocess`."""

from osprey_core.model.preprocess import image_to_tensor

__all__ = ["image_to_tensor"]
