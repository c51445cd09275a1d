"""The regions that the marks of a command line stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

import numpy as np
from PIL import Image

from osprey_core.cli.loaders import Loaders
from osprey_core.cli.options import Marks, ModelOptions
from osprey_core.io import mask_files
from osprey_core.io.record import RecordedRegion
from osprey_core.regions.rle import CodedMask


def marked_regions(
    all_marks: Sequence[Marks],
    models: ModelOptions,
    picture_name: str,
    image: Image.Image,
    loaders: Loaders,
    errors: TextIO,
) -> tuple[RecordedRegion, ...]:
    """The regions of the marks, numbered in their order; what is left out of a mask file is told to `errors`."""
    size_hw = image.height, image.width
    opened = None
    masks: list[mask_files.NamedMask] = []
    for marks in all_marks:
        if marks.mask_file is not None:
            mask_file = mask_files.read_mask_file(marks.mask_file, size_hw, picture_name)
            errors.writelines(f"{note}\n" for note in mask_file.notes)
            masks += mask_file.masks
            continue
        opened = opened or loaders.segmenter(models).open(np.asarray(image))
        best = opened.segment(marks.points_xy, marks.labels, marks.box_xyxy)[0]
        masks.append(mask_files.NamedMask(CodedMask.of(best.mask)))
    return tuple(RecordedRegion(number, named.mask, named.name) for number, named in enumerate(masks, 1))
