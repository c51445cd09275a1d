"""The page's work without a browser: ask about regions of a picture, or describe all regions of many pictures.

python -m osprey_core ask cat.png --point 120,80 --question "What is this?"
python -m osprey_core describe photos/ --everything --out captions.json

It turns words into calls of the library; every failure is one sentence on stderr and exit code 2.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TextIO

import numpy as np
from PIL import Image

from osprey_core.errors import InputError, OspreyError
from osprey_core.i18n import Listing
from osprey_core.io import mask_files
from osprey_core.io.export import coco_shape, write_zip
from osprey_core.io.files import parse_json, plain_json, read_file, write_file
from osprey_core.io.pictures import read_picture
from osprey_core.io.record import (
    AnswerMeasures,
    Record,
    RecordedPicture,
    RecordedRegion,
    RecordedTurn,
    TurnState,
)
from osprey_core.language.prompts import QUESTIONS
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions.rle import CodedMask
from osprey_core.segment import SEGMENTERS, Segmenter, load_segmenter

if TYPE_CHECKING:
    from osprey_core.engine import Osprey, View

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2")
MASK_SUFFIXES = (".json", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
STYLES = ("short", "detailed", "category")
MAX_FILE_BYTES = 2**31
SECONDS_BETWEEN_SAVES = 5.0
"""What is lost at most, in work, when the machine goes down."""

Style = Literal["short", "detailed", "category"]


@dataclass(frozen=True)
class ModelOptions:
    """Which model and segmenter, and where they compute."""

    model: str = "nano"
    revision: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    segmenter: str = "classic"


@dataclass(frozen=True)
class Marks:
    """How one region is given: clicks and a box for the segmenter, or a file with masks (which may hold several)."""

    points_xy: tuple[tuple[float, float], ...] = ()
    labels: tuple[int, ...] = ()
    box_xyxy: tuple[float, float, float, float] | None = None
    mask_file: Path | None = None


@dataclass(frozen=True)
class AskOptions:
    """One question about one picture."""

    image: Path
    question: str
    marks: tuple[Marks, ...]
    models: ModelOptions
    settings: SamplingSettings
    save: Path | None = None


@dataclass(frozen=True)
class DescribeOptions:
    """One question about every region of one or many pictures."""

    pictures: Path
    out: Path
    masks: Path | None
    """None: everything that the segmenter finds."""
    style: Style
    limit: int | None
    models: ModelOptions
    settings: SamplingSettings


@dataclass(frozen=True)
class Loaders:
    """How models and segmenters are loaded; tests give their own."""

    model: Callable[[ModelOptions], Any]
    segmenter: Callable[[ModelOptions], Segmenter]


def main(
    argv: Sequence[str], out: TextIO | None = None, errors: TextIO | None = None, loaders: Loaders | None = None
) -> int:
    """Do what the words say. Returns the exit code: 0, 2 after an error that was told, 130 when interrupted."""
    out, errors = out or sys.stdout, errors or sys.stderr
    loaders = loaders or Loaders(load_model, load_segmenter_for)
    try:
        options = read_options(argv)
        if isinstance(options, AskOptions):
            ask(options, loaders, out)
            return 0
        return 0 if describe(options, loaders, errors) else 2
    except OspreyError as error:
        errors.write(f"{error}\n")
    except KeyboardInterrupt:
        errors.write("\nInterrupted.\n")
        return 130
    except BrokenPipeError:  # whoever read the answer has gone; there is nobody to tell
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
    except Exception as error:
        if not _is_out_of_memory(error):
            raise
        errors.write("There is not enough memory for this model and picture; use a smaller one or another --device.\n")
    return 2


# --- ask -------------------------------------------------------------------------------------------------------------


def ask(options: AskOptions, loaders: Loaders, out: TextIO) -> None:
    """Write the answer as it comes. What can be wrong with picture and regions is found before a model is loaded."""
    data = read_file(options.image, MAX_FILE_BYTES)
    image = read_picture(data)
    regions = _marked(options, image, loaders)
    model: Osprey = loaders.model(options.models)
    stream = model.open(image).stream(
        options.question, [region.mask.mask() for region in regions], **asdict(options.settings)
    )
    pieces = []
    for piece in stream:
        pieces.append(piece)
        out.write(piece)
        out.flush()
    out.write("\n")
    out.flush()
    if options.save is not None:
        state: TurnState = "length" if stream.finish_reason == "length" else "complete"
        measures = AnswerMeasures(
            stream.prompt_tokens,
            stream.new_tokens,
            stream.seconds_to_first_token,
            stream.tokens_per_second,
            str(stream.finish_reason),
            stream.trimmed_turns,
        )
        turn = RecordedTurn(
            options.question, "".join(pieces), len(regions), state=state, settings=stream.settings, measures=measures
        )
        picture = RecordedPicture(data, options.image.name, image.width, image.height)
        segmenter = options.models.segmenter
        write_file(options.save, write_zip(Record(picture, regions, regions, (turn,), model.name, segmenter)))


def _marked(options: AskOptions, image: Image.Image, loaders: Loaders) -> tuple[RecordedRegion, ...]:
    """The regions that the marks mean, numbered as they come."""
    size_hw = image.height, image.width
    opened = None
    found: list[mask_files.NamedMask] = []
    for marks in options.marks:
        if marks.mask_file is not None:
            found += mask_files.read_masks(marks.mask_file, size_hw, options.image.name)
            continue
        opened = opened or loaders.segmenter(options.models).open(np.asarray(image))
        best = opened.segment(marks.points_xy, marks.labels, marks.box_xyxy)[0]
        found.append(mask_files.NamedMask(CodedMask.of(best.mask)))
    return tuple(RecordedRegion(number, one.mask, one.name) for number, one in enumerate(found, 1))


# --- describe --------------------------------------------------------------------------------------------------------


def describe(options: DescribeOptions, loaders: Loaders, errors: TextIO) -> bool:
    """Describe all regions of all pictures into a COCO file that grows; what is in it already is not done again.

    Returns whether every picture could be described; of the others each is told in one sentence.
    """
    from tqdm import tqdm

    names = _picture_names(options.pictures)
    captions = _Captions(options.out, _settings_of(options))
    waiting = [name for name in names if name not in captions.done]
    masks = _GivenMasks(options.masks) if options.masks is not None else None
    captions.save()  # before the slow work: now is the time to learn that it cannot be written
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
                {**coco_shape(RecordedRegion(place + 1, mask)), **more, "caption": texts[place]}
                for place, (mask, more) in enumerate(regions)
            ]
            captions.add(name, image, entries)
    finally:
        captions.save()
    return not failed


def _answers(view: View, masks: Sequence[CodedMask], options: DescribeOptions) -> Iterator[tuple[int, str]]:
    """Place and caption of every mask, as they come; many are decoded together."""
    return view.describe((mask.mask() for mask in masks), options.style, **asdict(options.settings))


def _regions_of(
    image: Image.Image, name: str, masks: _GivenMasks | None, segmenter: Segmenter | None
) -> list[tuple[CodedMask, dict[str, Any]]]:
    """Masks of a picture, with what else is known of each."""
    if masks is not None:
        found = masks.of(name, (image.height, image.width))
        return [(one.mask, {"name": one.name} if one.name else {}) for one in found]
    assert segmenter is not None
    everything = segmenter.open(np.asarray(image)).everything()
    return [(CodedMask.of(one.mask), {"score": round(one.score, 4)}) for one in everything]


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
    """The COCO file that is written: what it holds already, and what is added. Always whole on the disk."""

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
        """Add a picture with the annotations of its regions; saved now and then."""
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
    """All that decides what a picture's captions are; a file is only gone on with under the same."""
    masks = f"everything that {options.models.segmenter} finds" if options.masks is None else str(options.masks)
    model = {"model": options.models.model, "revision": options.models.revision}
    return {**model, "masks": masks, "style": options.style, "limit": options.limit, **asdict(options.settings)}


def _picture_names(path: Path) -> list[str]:
    """Names of the pictures, relative to the folder; of a single picture its file name."""
    if path.is_dir():
        found = (file for file in path.rglob("*") if file.suffix.lower() in PICTURE_SUFFIXES and file.is_file())
        names = sorted(file.relative_to(path).as_posix() for file in found)
        if not names:
            raise InputError("cli.folder_without_pictures", path=str(path))
        return names
    if not path.is_file():
        raise InputError("cli.pictures_missing", path=str(path))
    return [path.name]


# --- loading ---------------------------------------------------------------------------------------------------------


def load_model(options: ModelOptions) -> Osprey:
    """The model, as the page loads it."""
    from osprey_core.engine import Osprey

    return Osprey.from_pretrained(options.model, options.device, options.dtype, options.revision)


def load_segmenter_for(options: ModelOptions) -> Segmenter:
    """The segmenter, as the page loads it."""
    device = options.device
    if device == "auto" and options.segmenter != "classic":
        from osprey_core.engine import resolve_device

        device = str(resolve_device(device))
    return load_segmenter(options.segmenter, device)


def _is_out_of_memory(error: BaseException) -> bool:
    return any(kind.__name__ in ("OutOfMemoryError", "MemoryError") for kind in type(error).__mro__)


# --- words to options ------------------------------------------------------------------------------------------------


def read_options(argv: Sequence[str]) -> AskOptions | DescribeOptions:
    """Options from the words after `python -m osprey_core`. Raises InputError for what is not understood."""
    given = _parser().parse_args(list(argv))
    models = ModelOptions(given.model, given.revision, given.device, given.dtype, given.segmenter)
    settings = SamplingSettings(given.temperature, given.top_p, given.max_new_tokens, given.seed)
    if given.command == "describe":
        masks = None if given.everything else given.masks
        return DescribeOptions(given.pictures, given.out, masks, given.style, given.limit, models, settings)
    if (given.question is None) == (given.style is None):
        raise InputError("cli.question_or_style")
    marks = tuple(_as_marks(place, draft) for place, draft in enumerate(given.marks or (), 1))
    question = QUESTIONS[given.style] if given.question is None else given.question
    return AskOptions(given.image, question, marks, models, settings, given.save)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError("cli.arguments_invalid", message=message[:1].upper() + message[1:])


class _MarkAction(argparse.Action):
    """Gathers --point, --not-point, --box and --mask into regions, in the order in which they were written."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        drafts: list[dict[str, Any]] = list(getattr(namespace, "marks", None) or [])
        kind = (option_string or "").lstrip("-")
        last = drafts[-1] if drafts else None
        begins = last is None or "mask" in last or (kind == "box" and "box" in last) or (kind == "mask" and last)
        if begins or kind == "region":
            drafts.append({})
        draft = dict(drafts[-1])
        if kind in ("point", "not-point"):
            draft["points"] = [*draft.get("points", []), (*values, 1 if kind == "point" else 0)]
        elif kind != "region":
            draft[kind] = values
        drafts[-1] = draft
        namespace.marks = drafts


def _as_marks(place: int, draft: dict[str, Any]) -> Marks:
    if not draft:
        raise InputError("cli.region_unmarked", place=place)
    points = draft.get("points", [])
    return Marks(tuple((x, y) for x, y, _ in points), tuple(p[2] for p in points), draft.get("box"), draft.get("mask"))


def _numbers(count: int) -> Callable[[str], tuple[float, ...]]:
    def read(text: str) -> tuple[float, ...]:
        try:
            numbers = tuple(float(part) for part in text.split(","))
        except ValueError:
            numbers = ()
        if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
            raise argparse.ArgumentTypeError(f"{text!r} must be {count} numbers with commas between them")
        return numbers

    return read


def _at_least_one(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 1")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m osprey_core", description="Ask about any region of a picture.", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="{ask,describe}")

    asking = commands.add_parser(
        "ask",
        help="ask one question about one picture",
        allow_abbrev=False,
        description="Ask one question about a picture; the answer is written as it comes. --point, --not-point and "
        "--box mark one region, --region begins the next one; questions call them <region1>, <region2> …",
    )
    asking.add_argument("image", type=Path, metavar="IMAGE")
    asking.add_argument("--question", help="what you want to know")
    asking.add_argument("--style", choices=sorted(QUESTIONS), help="one of the published questions instead")
    marks = asking.add_argument_group("regions")
    for name, kind, shape, text in (
        ("--point", _numbers(2), "X,Y", "a pixel of the region; again for more of them"),
        ("--not-point", _numbers(2), "X,Y", "a pixel that does not belong to it"),
        ("--box", _numbers(4), "X0,Y0,X1,Y1", "a box around the region"),
        ("--mask", Path, "FILE", "a mask: PNG, COCO or labelme JSON; each mask in it is a region"),
    ):
        marks.add_argument(name, action=_MarkAction, type=kind, metavar=shape, dest="marks", help=text)
    marks.add_argument("--region", action=_MarkAction, nargs=0, dest="marks", help="begin the next region")
    asking.add_argument("--save", type=Path, metavar="FILE.zip", help="also export the conversation, masks and all")

    describing = commands.add_parser(
        "describe",
        help="describe all regions of a picture or of a folder of pictures",
        allow_abbrev=False,
        description="Describe every region of a picture, or of all pictures in a folder, into one COCO file. Start it "
        "again with the same words to go on where it was stopped.",
    )
    describing.add_argument("pictures", type=Path, metavar="IMAGE_OR_FOLDER")
    which = describing.add_mutually_exclusive_group(required=True)
    which.add_argument("--everything", action="store_true", help="all that the segmenter finds")
    which.add_argument("--masks", type=Path, help="a COCO file, or a folder with a mask file for each picture")
    describing.add_argument("--out", type=Path, required=True, metavar="FILE.json")
    describing.add_argument("--style", choices=STYLES, default="short", help="short is the default")
    describing.add_argument("--limit", type=_at_least_one, help="at most so many regions of a picture, largest first")

    for command in (asking, describing):
        models = command.add_argument_group("model")
        models.add_argument("--model", default="nano", help="nano (default), a checkpoint folder or a Hub name")
        models.add_argument("--revision", help="branch, tag or commit on the Hub")
        models.add_argument("--segmenter", default="classic", help=f"{', '.join(SEGMENTERS)}; or sam:vit_b:FILE")
        models.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1 …, mps")
        models.add_argument("--dtype", default="auto", help="auto (default), float32, bfloat16, float16")
        answers = command.add_argument_group("answers")
        answers.add_argument("--temperature", type=float, default=0.0, help="0, the default, always says the same")
        answers.add_argument("--top-p", type=float, default=1.0)
        answers.add_argument("--max-new-tokens", type=_at_least_one, help="the model's own limit by default")
        answers.add_argument("--seed", type=int)
    return parser
