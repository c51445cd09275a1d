"""`python -m osprey_core describe`: describe all regions of one or many pictures into one COCO file."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from PIL import Image

from osprey_core.cli.loaders import Loaders
from osprey_core.cli.options import MAX_FILE_BYTES, DescribeOptions
from osprey_core.errors import InputError
from osprey_core.i18n import Listing
from osprey_core.io import mask_files
from osprey_core.io.export import coco_shape
from osprey_core.io.files import parse_json, plain_json, read_file, write_file
from osprey_core.io.pictures import read_picture
from osprey_core.io.record import RecordedRegion
from osprey_core.regions.rle import CodedMask
from osprey_core.segment import Segmenter

if TYPE_CHECKING:
    from osprey_core.engine import Osprey
    from osprey_core.region_model import NamedRegion
    from osprey_core.view import View

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2")
MASK_SUFFIXES = (".json", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
SECONDS_BETWEEN_SAVES = 5.0
"""Seconds between saves: at most this much work is lost in a crash."""


def describe(options: DescribeOptions, loaders: Loaders, errors: TextIO) -> bool:
    """Describe all regions of all pictures into a COCO file; pictures that it contains already are skipped.

    Returns whether every picture could be described; each failure is reported in one sentence.
    """
    from tqdm import tqdm

    names = _picture_names(options.pictures)
    captions = _Captions(options.out, _settings_of(options))
    waiting = [name for name in names if name not in captions.done]
    masks = _GivenMasks(options.masks) if options.masks is not None else None
    captions.save()  # fail before the slow work if the file cannot be written
    if not waiting:
        return True
    segmenter = loaders.segmenter(options.models) if masks is None else None
    model: Osprey = loaders.model(options.models)
    failed = 0
    bar = {"file": errors, "disable": None if errors is sys.stderr else False, "dynamic_ncols": True}
    try:
        for name in tqdm(waiting, desc="pictures", unit="picture", initial=len(names) - len(waiting), **bar):
            try:
                image = read_picture(options.pictures / name if options.pictures.is_dir() else options.pictures)
                regions = _regions_of(image, name, masks, segmenter)[: options.limit]
                view = model.open(image)
                texts: dict[int, str] = {}
                for place, text in tqdm(
                    _answers(view, [mask for mask, _ in regions], options),
                    total=len(regions),
                    desc=name[-30:],
                    unit="region",
                    leave=False,
                    **bar,
                ):
                    texts[place] = text
            except InputError as error:
                failed += 1
                tqdm.write(f"{name}: {error}", file=errors)
                continue
            entries = [
                {
                    **coco_shape(RecordedRegion(place + 1, mask)),
                    **more,
                    "caption": texts[place],
                    **(_entry_guesses(view.name(mask.mask())) if options.confidence else {}),
                }
                for place, (mask, more) in enumerate(regions)
            ]
            captions.add(name, image, entries)
    finally:
        captions.save()
    return not failed


def _entry_guesses(named: NamedRegion) -> dict[str, Any]:
    """The guesses of a region, for its entry in the file: names with confidences, the likeliest first."""
    guesses = [{"name": guess.name, "confidence": round(guess.confidence, 4)} for guess in named.guesses]
    return {"guesses": guesses, "unsure": named.is_unsure}


def _answers(view: View, masks: Sequence[CodedMask], options: DescribeOptions) -> Iterator[tuple[int, str]]:
    """Index and caption of every mask, in order of completion; many are decoded together."""
    return view.describe((mask.mask() for mask in masks), options.style, **asdict(options.settings))


def _regions_of(
    image: Image.Image, name: str, masks: _GivenMasks | None, segmenter: Segmenter | None
) -> list[tuple[CodedMask, dict[str, Any]]]:
    """Masks of a picture, each with further entries for its annotation (name or score)."""
    if masks is not None:
        named_masks = masks.of(name, (image.height, image.width))
        return [(named.mask, {"name": named.name} if named.name else {}) for named in named_masks]
    assert segmenter is not None
    scored_masks = segmenter.open(np.asarray(image)).everything()
    return [(CodedMask.of(scored.mask), {"score": round(scored.score, 4)}) for scored in scored_masks]


class _GivenMasks:
    """The masks that --masks names: a folder with a file per picture, or one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            raise InputError("cli.masks_missing", path=str(path))
        self._json: Any = None
        if path.is_file() and path.suffix.lower() == ".json":  # parsed once for all pictures
            self._json = parse_json(read_file(path, MAX_FILE_BYTES))

    def of(self, name: str, size_hw: tuple[int, int]) -> list[mask_files.NamedMask]:
        if self._json is not None:
            return mask_files.masks_from_json(self._json, size_hw, name)
        if self._path.is_file():
            return mask_files.read_masks(self._path, size_hw, name)
        beside = self._path / name
        files = [beside.with_name(beside.name + suffix) for suffix in MASK_SUFFIXES]
        files += [beside.with_suffix(suffix) for suffix in MASK_SUFFIXES]
        file = next((file for file in files if file.is_file()), None)
        if file is None:
            raise InputError("cli.mask_file_missing", name=beside.stem, folder=str(self._path))
        return mask_files.read_masks(file, size_hw, name)


class _Captions:
    """The COCO output file: its existing entries and the added ones. Each save replaces the file as a whole."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self._path = path
        self._values: dict[str, Any] = {
            "info": {"description": "Regions of pictures, described by a model", "settings": settings},
            "licenses": [],
            "images": [],
            "annotations": [],
            "categories": [{"id": 1, "name": "region"}],
        }
        if path.exists():
            self._values = self._read(settings)
        self.done = {image["file_name"] for image in self._values["images"]}
        self._ids = max((entry["id"] for entry in self._values["annotations"]), default=0)
        self._image_ids = max((image["id"] for image in self._values["images"]), default=0)
        self._changed = not path.exists()
        self._saved_at = -math.inf

    def add(self, name: str, image: Image.Image, entries: Sequence[dict[str, Any]]) -> None:
        """Add a picture with the annotations of its regions; saves at most every `SECONDS_BETWEEN_SAVES`."""
        self._image_ids += 1
        listed = {"id": self._image_ids, "file_name": name, "width": image.width, "height": image.height}
        self._values["images"].append(listed)
        for entry in entries:
            self._ids += 1
            ids = {"id": self._ids, "image_id": self._image_ids, "category_id": 1}
            self._values["annotations"].append(ids | entry)
        self._changed = True
        if time.monotonic() - self._saved_at >= SECONDS_BETWEEN_SAVES:
            self.save()

    def save(self) -> None:
        if self._changed:
            write_file(self._path, plain_json(self._values).encode())
            self._changed, self._saved_at = False, time.monotonic()

    def _read(self, settings: dict[str, Any]) -> dict[str, Any]:
        other = InputError("cli.out_foreign", path=str(self._path))
        try:
            values = json.loads(self._path.read_bytes())
            made_with = values["info"]["settings"]
            for image in values["images"]:
                int(image["id"]), str(image["file_name"])
            for entry in values["annotations"]:
                int(entry["id"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise other from None
        if made_with != settings:
            differing = [
                key for key in settings if not isinstance(made_with, dict) or made_with.get(key) != settings[key]
            ]
            if not differing:
                raise InputError("cli.out_begun_otherwise", path=str(self._path))
            settings_in_words = Listing(tuple(differing), "list.and")
            raise InputError("cli.out_begun_differently", path=str(self._path), settings=settings_in_words)
        assert isinstance(values, dict)
        return values


def _settings_of(options: DescribeOptions) -> dict[str, Any]:
    """All settings that influence the captions; an existing file is continued only with equal settings."""
    masks = f"everything that {options.models.segmenter} finds" if options.masks is None else str(options.masks)
    model = {"model": options.models.model, "revision": options.models.revision}
    # Only where it is asked for, so that files begun without it can be gone on with.
    more = {"confidence": True} if options.confidence else {}
    return {**model, "masks": masks, "style": options.style, "limit": options.limit, **asdict(options.settings), **more}


def _picture_names(path: Path) -> list[str]:
    """Names of the pictures, relative to the folder; of a single picture its file name."""
    if path.is_dir():
        files = (file for file in path.rglob("*") if file.suffix.lower() in PICTURE_SUFFIXES and file.is_file())
        names = sorted(file.relative_to(path).as_posix() for file in files)
        if not names:
            raise InputError("cli.folder_without_pictures", path=str(path))
        return names
    if not path.is_file():
        raise InputError("cli.pictures_missing", path=str(path))
    return [path.name]
