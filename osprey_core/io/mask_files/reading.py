"""Read masks that other programs wrote: pictures (PNG …), COCO JSON, labelme JSON, bare run lengths.

The masks are for one picture of known size. A file that speaks of other pictures only is refused. Files are untrusted,
so sizes are checked before anything is decoded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osprey_core.errors import InputError
from osprey_core.io.files import parse_json, read_file
from osprey_core.io.mask_files.coco import from_coco, nothing_for
from osprey_core.io.mask_files.label_maps import masks_of_picture
from osprey_core.io.mask_files.labelme import from_labelme
from osprey_core.io.mask_files.picture_names import PictureNames
from osprey_core.io.mask_files.shapes import MaskFile, NamedMask

MAX_FILE_BYTES = 100 * 2**20


def read_masks(
    source: bytes | str | os.PathLike[str], size_hw: tuple[int, int], picture_name: str | None = None
) -> list[NamedMask]:
    """All masks of a file, at least one, none of them empty: the masks of `read_mask_file`, which also has its notes."""
    return list(read_mask_file(source, size_hw, picture_name).masks)


def read_mask_file(
    source: bytes | str | os.PathLike[str], size_hw: tuple[int, int], picture_name: str | None = None
) -> MaskFile:
    """The masks of a file, at least one, none of them empty, and notes of what was left out.

    source: the bytes of the file, or its path: a picture (see `masks_of_picture`) or JSON (see `masks_from_json`).
    size_hw: height and width of the picture that the masks are for.
    picture_name: its file name. A file that names its pictures is refused unless this is one of them; None fits every
    name, as long as the file is about a single picture.
    Raises InputError if the file is of another kind, damaged, empty, for another picture or one of another size.
    """
    data = source if isinstance(source, bytes) else read_file(Path(source), MAX_FILE_BYTES)
    names = PictureNames(picture_name)
    values = json_of(data)
    masks = masks_of_picture(data, size_hw) if values is None else masks_for_picture(values, size_hw, names)
    if not masks.masks:
        raise InputError.of(_why_none(values, names))
    return masks


def json_of(data: bytes) -> Any:
    """The parsed JSON of a mask file, whatever its Unicode encoding; None if it is no JSON but a picture.

    Raises InputError if it is empty or damaged.
    """
    if not data:
        raise InputError("mask_file.empty")
    encoding = json.detect_encoding(data)
    if data[:64].decode(encoding, "ignore").lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
        return None
    try:
        return parse_json(data)
    except InputError:
        try:
            data.decode(encoding)
        except UnicodeDecodeError:  # written in the code page of some computer: only names suffer
            return parse_json(data.decode(encoding, "replace"))
        raise


def masks_from_json(values: Any, size_hw: tuple[int, int], picture_name: str | None = None) -> list[NamedMask]:
    """Masks from parsed JSON: a COCO dataset, its annotations, one run-length mask, or labelme's shapes."""
    names = PictureNames(picture_name)
    masks = masks_for_picture(values, size_hw, names).masks
    if not masks:
        raise InputError.of(_why_none(values, names))
    return list(masks)


def masks_for_picture(values: Any, size_hw: tuple[int, int], names: PictureNames) -> MaskFile:
    """As `read_mask_file`, from parsed JSON, but without any mask where the file lists the picture with none."""
    if isinstance(values, Mapping) and isinstance(values.get("shapes"), list):
        return from_labelme(values, size_hw, names)
    return from_coco(values, size_hw, names)


def _why_none(values: Any, names: PictureNames) -> Any:
    if isinstance(values, Mapping) and "shapes" in values:
        return InputError("mask_file.area_missing").message
    return nothing_for(values, names)
