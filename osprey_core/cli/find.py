"""`python -m osprey_core find`: the regions of a picture that a phrase fits, as lines and as a COCO file."""

from __future__ import annotations

from typing import Any, TextIO

import numpy as np

from osprey_core.cli.loaders import Loaders, clip_view
from osprey_core.cli.options import MAX_FILE_BYTES, FindOptions
from osprey_core.io import mask_files
from osprey_core.io.export import coco_shape
from osprey_core.io.files import check_file_writable, plain_json, read_file, write_file
from osprey_core.io.pictures import read_picture
from osprey_core.io.record import RecordedRegion
from osprey_core.regions.rle import CodedMask


def find(options: FindOptions, loaders: Loaders, out: TextIO, errors: TextIO) -> None:
    """Write one line for each find to `out`: score, box, pixels. With `out` as an option, also a COCO file of masks.

    What is left out of a mask file is told to `errors`.
    """
    if options.out is not None:
        check_file_writable(options.out)
    image = read_picture(read_file(options.image, MAX_FILE_BYTES))
    size_hw = image.height, image.width
    if options.masks is not None:
        mask_file = mask_files.read_mask_file(options.masks, size_hw, options.image.name)
        errors.writelines(f"{note}\n" for note in mask_file.notes)
        masks = [named.mask.mask() for named in mask_file.masks]
    else:
        everything = loaders.segmenter(options.models).open(np.asarray(image)).everything()
        masks = [scored.mask for scored in everything if scored.mask.any()]
    from osprey_core.analysis.find import find as find_regions  # slow to import

    view = loaders.model(options.models).open(image)
    finds = find_regions(view, masks, options.phrase, clip_view(options.models, loaders, view, image))
    chosen = finds.at(options.threshold)
    regions = [RecordedRegion(number, CodedMask.of(masks[one.place])) for number, one in enumerate(chosen, 1)]
    scores = [one.score for one in chosen]
    if not regions:
        out.write(f"Nothing in the picture looks like “{finds.phrase}”.\n")
    for region, score in zip(regions, scores, strict=True):
        x, y, width, height = coco_shape(region.mask)["bbox"]
        out.write(f"{score:.2f}  {x},{y},{x + width},{y + height}  {region.mask.area} pixels\n")
    out.flush()
    if options.out is not None:
        write_file(options.out, plain_json(_coco(options, finds.phrase, size_hw, regions, scores)).encode())


def _coco(
    options: FindOptions, phrase: str, size_hw: tuple[int, int], regions: list[RecordedRegion], scores: list[float]
) -> dict[str, Any]:
    height, width = size_hw
    annotations = [
        {
            "id": place,
            "image_id": 1,
            "category_id": 1,
            **coco_shape(region.mask),
            "score": round(score, 4),
            "name": phrase,
        }
        for place, (region, score) in enumerate(zip(regions, scores, strict=True), 1)
    ]
    settings = {"model": options.models.model, "phrase": phrase, "threshold": options.threshold}
    return {
        "info": {"description": "Regions that a phrase fits, found by a model", "settings": settings},
        "licenses": [],
        "images": [{"id": 1, "file_name": options.image.name, "width": width, "height": height}],
        "annotations": annotations,
        "categories": [{"id": 1, "name": phrase}],
    }
