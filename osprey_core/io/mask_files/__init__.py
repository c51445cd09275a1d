"""Mask files of other programs: pictures, label maps, COCO, labelme. One reader for page, API, library and command line."""

from osprey_core.io.mask_files.reading import (
    MAX_FILE_BYTES,
    masks_for_picture,
    masks_from_json,
    read_mask_file,
    read_masks,
)
from osprey_core.io.mask_files.shapes import MaskFile, NamedMask

__all__ = [
    "MAX_FILE_BYTES",
    "MaskFile",
    "NamedMask",
    "masks_for_picture",
    "masks_from_json",
    "read_mask_file",
    "read_masks",
]
