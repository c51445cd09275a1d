"""The pictures that `describe` names: files, folders and patterns such as photos/*.jpg, in one list with one root."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from osprey_core.errors import InputError

PICTURE_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2", ".heic", ".heif",
)  # fmt: skip


@dataclass(frozen=True)
class PictureFiles:
    """Pictures below one folder."""

    root: Path
    """The folder that the names are relative to."""
    names: tuple[str, ...]
    """With "/" between folders, each once, in order of the alphabet within each folder or pattern."""

    @classmethod
    def of(cls, given: Sequence[Path]) -> PictureFiles:
        """From the words of a command line. Raises InputError for a word that names no picture."""
        roots, files = [], []
        for path in given:
            root, found = _found(path)
            roots.append(Path(os.path.abspath(root)))
            files += [Path(os.path.abspath(file)) for file in found]
        try:
            root = Path(os.path.commonpath(roots))
        except ValueError:  # on several drives
            raise InputError("cli.pictures_apart") from None
        return cls(root, tuple(dict.fromkeys(file.relative_to(root).as_posix() for file in files)))

    def path(self, name: str) -> Path:
        """The path of a picture."""
        return self.root / name


def _found(path: Path) -> tuple[Path, list[Path]]:
    """The folder that a word is about, and its pictures."""
    if path.is_dir():
        files = sorted(_pictures_in(path), key=lambda file: file.relative_to(path).as_posix())
        if not files:
            raise InputError("cli.folder_without_pictures", path=str(path))
        return path, files
    if path.is_file():
        return path.parent, [path]
    if not glob.has_magic(str(path)):
        raise InputError("cli.pictures_missing", path=str(path))
    matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
    files = [file for match in matches for file in (sorted(_pictures_in(match)) if match.is_dir() else [match])]
    files = [file for file in files if file.suffix.lower() in PICTURE_SUFFIXES]
    if not files:
        raise InputError("cli.pattern_without_pictures", pattern=str(path))
    return _fixed_part(path), files


def _pictures_in(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.suffix.lower() in PICTURE_SUFFIXES and file.is_file())


def _fixed_part(pattern: Path) -> Path:
    """The folders of a pattern before its first wildcard."""
    fixed = Path(pattern.anchor)
    for part in pattern.parts[len(fixed.parts) : -1]:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed
