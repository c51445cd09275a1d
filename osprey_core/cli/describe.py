"""`python -m osprey_core describe`: describe all regions of one or many pictures into one COCO file."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from PIL import Image

from osprey_core.cli.given_masks import GivenMasks
from osprey_core.cli.loaders import Loaders, can_tell_confidence
from osprey_core.cli.options import DescribeOptions, ModelOptions
from osprey_core.cli.picture_files import PictureFiles
from osprey_core.errors import InputError
from osprey_core.i18n import Listing, Message
from osprey_core.io.export import coco_shape
from osprey_core.io.files import plain_json, write_file
from osprey_core.io.mask_files import NamedMask
from osprey_core.io.pictures import read_picture
from osprey_core.regions.rle import CodedMask
from osprey_core.segment import Segmenter

if TYPE_CHECKING:
    from osprey_core.region_model import NamedRegion, RegionView

_Regions = list[tuple[CodedMask, dict[str, Any]]]

SECONDS_BETWEEN_SAVES = 5.0
"""Seconds between saves: at most this much work is lost in a crash."""


def describe(options: DescribeOptions, loaders: Loaders, errors: TextIO) -> bool:
    """Describe all regions of all pictures into a COCO file; pictures that it contains already are skipped.

    Returns whether every picture could be described; each failure is reported in one sentence.
    """
    from tqdm import tqdm

    pictures = PictureFiles.of((options.pictures, *options.further_pictures))
    names = pictures.names
    captions = _Captions(options.out, _settings_of(options, pictures.root))
    waiting = [name for name in names if name not in captions.done]
    masks = GivenMasks(options.masks, names) if options.masks is not None else None
    captions.save()  # fail before the slow work if the file cannot be written
    if not waiting:
        return True
    segmenter = loaders.segmenter(options.models) if masks is None else None
    model = loaders.model(options.models)
    if options.confidence and not can_tell_confidence(model):
        raise InputError("cli.confidence_unknown", model=model.name)
    other = None if options.compare_with is None else loaders.model(_compared(options.models, options.compare_with))
    failed = 0
    bar = {"file": errors, "disable": None if errors is sys.stderr else False, "dynamic_ncols": True}
    try:
        for name in tqdm(waiting, desc="pictures", unit="picture", initial=len(names) - len(waiting), **bar):
            try:
                path = pictures.path(name)
                image = read_picture(path)
                regions, notes = _regions_of(image, name, path, masks, segmenter)
                for note in notes:
                    tqdm.write(f"{name}: {note}", file=errors)
                regions = _largest_first(regions, options.limit)
                view = model.open(image) if regions else None
                texts: dict[int, str] = {}
                for place, text in tqdm(
                    _answers(view, [mask for mask, _ in regions], options) if view else (),
                    total=len(regions),
                    desc=name[-30:],
                    unit="region",
                    leave=False,
                    **bar,
                ):
                    texts[place] = text
                masks_of_regions = [mask for mask, _ in regions]
                others = dict(_answers(other.open(image), masks_of_regions, options)) if other and regions else {}
            except InputError as error:
                failed += 1
                tqdm.write(f"{name}: {error}", file=errors)
                continue
            entries = [
                {
                    **coco_shape(mask),
                    **more,
                    "caption": texts[place],
                    **({"compared": {"model": options.compare_with, "caption": others[place]}} if other else {}),
                    **(_entry_guesses(view.name(mask.mask())) if options.confidence and view else {}),
                }
                for place, (mask, more) in enumerate(regions)
            ]
            captions.add(name, image, entries)
    finally:
        captions.save()
    return not failed


def _compared(models: ModelOptions, name: str) -> ModelOptions:
    """The options of the second model: what belongs to the first one alone is left out."""
    return replace(models, model=name, revision=None, adapter=None)


def _entry_guesses(named: NamedRegion) -> dict[str, Any]:
    """The guesses of a region, for its entry in the file: names with confidences, the likeliest first."""
    guesses = [{"name": guess.name, "confidence": round(guess.confidence, 4)} for guess in named.guesses]
    return {"guesses": guesses, "unsure": named.is_unsure}


def _answers(view: RegionView, masks: Sequence[CodedMask], options: DescribeOptions) -> Iterator[tuple[int, str]]:
    """Index and caption of every mask, in order of completion; many are decoded together."""
    return view.describe((mask.mask() for mask in masks), options.style, **asdict(options.settings))


def _regions_of(
    image: Image.Image, name: str, path: Path, masks: GivenMasks | None, segmenter: Segmenter | None
) -> tuple[_Regions, tuple[Message, ...]]:
    """Masks of a picture, each with further entries for its annotation (name, source id or score), and notes."""
    if masks is not None:
        mask_file = masks.of(name, path, (image.height, image.width))
        return [(named.mask, _named_entries(named)) for named in mask_file.masks], mask_file.notes
    assert segmenter is not None
    scored_masks = segmenter.open(np.asarray(image)).everything()
    return [(CodedMask.of(scored.mask), {"score": round(scored.score, 4)}) for scored in scored_masks], ()


def _named_entries(named: NamedMask) -> dict[str, Any]:
    """Name of a given mask and the id that its file gives it, where it has them."""
    entries: dict[str, Any] = {"name": named.name} if named.name else {}
    return entries if named.source_id is None else entries | {"source_id": named.source_id}


def _largest_first(regions: _Regions, limit: int | None) -> _Regions:
    """At most so many regions, the largest first; without a limit all in their order."""
    return regions if limit is None else sorted(regions, key=lambda region: -region[0].area)[:limit]


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
        if isinstance(made_with, dict):
            made_with.setdefault("folder", settings["folder"])  # files of older versions do not have it
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


def _settings_of(options: DescribeOptions, root: Path) -> dict[str, Any]:
    """All settings that influence the captions; an existing file is continued only with equal settings."""
    masks = f"everything that {options.models.segmenter} finds" if options.masks is None else str(options.masks)
    model = {"model": options.models.model, "revision": options.models.revision}
    # Only where it is asked for, so that files begun without it can be gone on with.
    more: dict[str, Any] = {"confidence": True} if options.confidence else {}
    if options.compare_with is not None:
        more["compare_with"] = options.compare_with
    if options.models.adapter is not None:
        more["adapter"] = str(options.models.adapter)
    begun = {"folder": _relative_to(root, options.out.parent), **model, "masks": masks}
    return {**begun, "style": options.style, "limit": options.limit, **asdict(options.settings), **more}


def _relative_to(folder: Path, start: Path) -> str:
    """The folder as seen from another, so that both can be moved together."""
    try:
        return Path(os.path.relpath(folder.resolve(), start.resolve())).as_posix()
    except ValueError:  # on another drive
        return folder.resolve().as_posix()
