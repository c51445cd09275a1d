"""Mask files of other programs: pictures, label maps, COCO, labelme. The one reader of page, API, library and CLI."""

from osprey_core.io.mask_files.reading import (
    MAX_FILE_BYTES,
    MaskSource,
    masks_from_json,
    read_mask_file,
    read_masks,
)
from osprey_core.io.mask_files.shapes import MaskFile, NamedMask

__all__ = [
    "MAX_FILE_BYTES",
    "MaskFile",
    "MaskSource",
    "NamedMask",
    "masks_from_json",
    "read_mask_file",
    "read_masks",
]
