"""Training samples from files of records and the folders of their pictures.

A seed is a position in an endless series of shuffled passes over all records, so that a resumed run continues with the
next record. This module does not know the shapes of the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np

from osprey_core.errors import InputError
from osprey_core.i18n import Param
from osprey_core.io.pictures import read_picture
from osprey_core.language.prompts import Turn
from osprey_core.training.records.record_files import Entry, read_entries


@dataclass(frozen=True)
class RecordSample:
    """A picture uint8 (H, W, 3), masks bool (H, W), and the conversation about them."""

    image: np.ndarray
    masks: tuple[np.ndarray, ...]
    dialogue: tuple[Turn, ...]
    region_names: tuple[str, ...]


@dataclass(frozen=True)
class RecordSource:
    """Records as samples by seed. `pictures` are folders; the folder of a record's own file is looked into as well."""

    entries: tuple[Entry, ...]
    pictures: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if not self.entries:
            raise InputError("samples.none")

    @classmethod
    def read(cls, files: Sequence[Path], pictures: Sequence[Path] = ()) -> RecordSource:
        """All records of some files. The first one of each is decoded at once, to find mistakes before hours pass.

        Raises InputError naming the file, and the entry where one is to blame.
        """
        all_entries: list[Entry] = []
        for file in files:
            entries = read_entries(file)
            all_entries += entries
            if entries:
                load_sample(entries[0], tuple(pictures))
        return cls(tuple(all_entries), tuple(pictures))

    def __call__(self, seed: int) -> Sequence[RecordSample]:
        """The sample of a seed: n seeds in a row that begin at a multiple of n hold each of the n records once."""
        number, place = divmod(seed, len(self.entries))
        return [load_sample(self.entries[_order(len(self.entries), number)[place]], self.pictures)]

    def texts(self) -> Iterator[str]:
        """Questions and answers, one by one."""
        for entry in self.entries:
            for turn in entry.record().turns:
                yield turn.question
                yield turn.answer

    def region_names(self) -> list[str]:
        """Every name that a region has, sorted; read without decoding the regions."""
        regions = (region for entry in self.entries for region in entry.values.get("annotation") or ())
        return sorted({str(region["name"]) for region in regions if region.get("name")})

    def split(self, count: int) -> tuple[RecordSource, RecordSource]:
        """Two sources: without `count` records chosen evenly among all, and with only those.

        Raises InputError unless there are more records than that.
        """
        total = len(self.entries)
        if not 1 <= count < total:
            raise InputError("samples.held_out_invalid", count=count, total=total)
        held = {place * total // count for place in range(count)}
        rest = tuple(entry for place, entry in enumerate(self.entries) if place not in held)
        held_out = tuple(entry for place, entry in enumerate(self.entries) if place in held)
        return RecordSource(rest, self.pictures), RecordSource(held_out, self.pictures)


def load_sample(entry: Entry, pictures: tuple[Path, ...]) -> RecordSample:
    """Decode an entry and open its picture.

    Raises InputError naming the entry: it is broken, or its picture is not there or not of its size.
    """
    record = entry.record()
    where: dict[str, Param] = {"path": str(entry.file), "where": entry.where}
    path = find_picture(record.file_name, (*pictures, entry.file.parent))
    if path is None:
        folders = ", ".join(map(str, (*pictures, entry.file.parent)))
        raise InputError("samples.picture_missing", **where, name=record.file_name, folders=folders)
    try:
        picture = read_picture(path)
    except InputError as error:
        raise InputError("sample_file.entry_invalid", **where, reason=error) from error
    if record.masks and (picture.height, picture.width) != record.size_hw:
        raise InputError(
            "samples.size_mismatch",
            **where,
            width=record.size_hw[1],
            height=record.size_hw[0],
            picture=str(path),
            picture_width=picture.width,
            picture_height=picture.height,
        )
    return RecordSample(np.asarray(picture), record.masks, record.turns, record.region_names)


def find_picture(file_name: str, folders: Sequence[Path]) -> Path | None:
    """The picture of that name in one of the folders.

    As well as the name itself, its last part is tried, with and without COCO's old prefix
    ("COCO_train2014_000000391895.jpg" has become "000000391895.jpg").
    """
    last = PurePosixPath(file_name).name
    for folder in folders:
        for name in dict.fromkeys((file_name, last, last.split("_")[-1])):
            if (folder / name).is_file():
                return folder / name
    return None


@lru_cache(maxsize=2)
def _order(count: int, number: int) -> np.ndarray:
    """The order of the records in the pass of that number."""
    return np.random.default_rng([count, number]).permutation(count)
