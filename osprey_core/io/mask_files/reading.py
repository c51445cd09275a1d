"""Read masks that other programs wrote: pictures (PNG …), COCO JSON, labelme JSON, bare run lengths.

The masks are for one picture of known size. A file that speaks of other pictures only is refused. Files are untrusted,
so sizes are checked before anything is decoded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from osprey_core.errors import InputError
from osprey_core.i18n import Message
from osprey_core.io.files import MAX_JSON_PARTS, parse_json, read_file
from osprey_core.io.mask_files.coco import from_coco, nothing_for
from osprey_core.io.mask_files.label_maps import masks_of_picture
from osprey_core.io.mask_files.labelme import from_labelme
from osprey_core.io.mask_files.picture_names import PictureNames, by_file_key
from osprey_core.io.mask_files.shapes import MaskFile, NamedMask

MAX_FILE_BYTES = 100 * 2**20
MAX_PARTS = 1_000_000
"""Largest number of lists and objects in a file of at most MAX_FILE_BYTES: about what a dataset of that size has."""


def read_masks(
    source: bytes | str | os.PathLike[str], size_hw: tuple[int, int], picture_name: str | None = None
) -> list[NamedMask]:
    """All masks of a file, at least one, none of them empty: those of `read_mask_file`, without its notes."""
    return list(read_mask_file(source, size_hw, picture_name).masks)


def read_mask_file(
    source: bytes | str | os.PathLike[str], size_hw: tuple[int, int], picture_name: str | None = None
) -> MaskFile:
    """The masks of a file, at least one, none of them empty, and notes of what was left out.

    source: the bytes of the file, or its path: a picture (see `label_maps.masks_of_picture`), COCO or labelme JSON.
    size_hw: height and width of the picture that the masks are for.
    picture_name: its file name. A file that names its pictures is refused unless this is one of them; None fits every
    name, as long as the file is about a single picture.
    Raises InputError if the file is of another kind, damaged, empty, for another picture or one of another size.
    """
    return MaskSource.read(source).required(size_hw, picture_name)


def masks_from_json(values: Any, size_hw: tuple[int, int], picture_name: str | None = None) -> list[NamedMask]:
    """Masks from parsed JSON: a COCO dataset, its annotations, one run-length mask, or labelme's shapes."""
    return list(MaskSource(b"", values).required(size_hw, picture_name).masks)


class MaskSource:
    """A mask file, parsed once, for one picture or for many."""

    def __init__(self, data: bytes, values: Any = None, picture_names: Iterable[str] = ()) -> None:
        self._data = data
        self._values = values
        """The parsed JSON; None for a picture."""
        self._others = by_file_key(picture_names)

    @classmethod
    def read(
        cls,
        source: bytes | str | os.PathLike[str],
        picture_names: Iterable[str] = (),
        max_bytes: int = MAX_FILE_BYTES,
    ) -> MaskSource:
        """From the bytes of a file, or its path.

        picture_names: names of all pictures that take their masks from it, so that none takes another's.
        Raises InputError if it cannot be read, or is damaged JSON.
        """
        data = source if isinstance(source, bytes) else read_file(Path(source), max_bytes)
        return cls(data, _json_of(data, MAX_PARTS if max_bytes <= MAX_FILE_BYTES else MAX_JSON_PARTS), picture_names)

    def masks(self, size_hw: tuple[int, int], picture_name: str | None = None) -> MaskFile:
        """As `read_mask_file`, but without any mask where the file lists the picture with none."""
        return self._masks(size_hw, PictureNames(picture_name, self._others))

    def required(self, size_hw: tuple[int, int], picture_name: str | None = None) -> MaskFile:
        """As `masks`, but raises InputError if there is none."""
        names = PictureNames(picture_name, self._others)
        masks = self._masks(size_hw, names)
        if not masks.masks:
            raise InputError.of(self._why_none(names))
        return masks

    def _masks(self, size_hw: tuple[int, int], names: PictureNames) -> MaskFile:
        if self._values is None:
            return masks_of_picture(self._data, size_hw)
        if _is_labelme(self._values):
            return from_labelme(self._values, size_hw, names)
        return from_coco(self._values, size_hw, names)

    def _why_none(self, names: PictureNames) -> Message:
        return Message("mask_file.area_missing") if _is_labelme(self._values) else nothing_for(self._values, names)


def _is_labelme(values: Any) -> bool:
    return isinstance(values, Mapping) and isinstance(values.get("shapes"), list)


def _json_of(data: bytes, max_parts: int) -> Any:
    """The parsed JSON of a mask file, whatever its Unicode encoding; None if it is no JSON but a picture.

    Raises InputError if it is empty or damaged.
    """
    if not data:
        raise InputError("mask_file.empty")
    encoding = json.detect_encoding(data)
    if data[:64].decode(encoding, "ignore").lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
        return None
    try:
        return parse_json(data, max_parts)
    except InputError:
        try:
            data.decode(encoding)
        except UnicodeDecodeError:  # written in the code page of some computer: only names suffer
            return parse_json(data.decode(encoding, "replace"), max_parts)
        raise
