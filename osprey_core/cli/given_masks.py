"""The masks that `describe --masks` names: one file for all pictures, or a folder with a file for each."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from osprey_core.cli.options import MAX_FILE_BYTES
from osprey_core.errors import InputError
from osprey_core.io.mask_files import MaskFile, MaskSource

MASK_SUFFIXES = (".json", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".jpg", ".jpeg")


class GivenMasks:
    """Finds the masks of each of the named pictures."""

    def __init__(self, path: Path, picture_names: Sequence[str]) -> None:
        self._path = path
        if not path.exists():
            raise InputError("cli.masks_missing", path=str(path))
        self._file = MaskSource.read(path, picture_names, MAX_FILE_BYTES) if path.is_file() else None

    def of(self, name: str, picture: Path, size_hw: tuple[int, int]) -> MaskFile:
        """The masks of a picture; none if its file says that it has none.

        name: relative to the folder of pictures. picture: its path. size_hw: height and width.
        Raises InputError if there is no mask file for it, or one that cannot be used.
        """
        if self._file is not None:
            return self._file.masks(size_hw, name)
        beside = self._path / name
        wanted = [beside.name + suffix for suffix in MASK_SUFFIXES]
        wanted += [beside.with_suffix(suffix).name for suffix in MASK_SUFFIXES]
        for file_name in wanted:
            file = _existing(beside.with_name(file_name))
            if file is not None and not file.samefile(picture):
                return MaskSource.read(file, max_bytes=MAX_FILE_BYTES).masks(size_hw, name)
        raise InputError("cli.mask_file_missing", name=beside.stem, folder=str(self._path))


def _existing(path: Path) -> Path | None:
    """The file of this name, be the name written in another Unicode normal form; None if there is none."""
    forms = (path.name, *(unicodedata.normalize(form, path.name) for form in ("NFC", "NFD")))
    return next((file for form in forms if (file := path.with_name(form)).is_file()), None)
