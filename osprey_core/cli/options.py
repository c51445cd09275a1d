"""Command-line options of `python -m osprey_core` as frozen values."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

from osprey_core.errors import InputError
from osprey_core.language.prompts import QUESTIONS
from osprey_core.language.sampling import SamplingSettings
from osprey_core.region_model import is_label_model, label_model_name
from osprey_core.segment import DEFAULT_SEGMENTER, SEGMENTERS
from osprey_core.vocabularies import BUILT_IN

MAX_FILE_BYTES = 2**31
"""Largest picture or mask file that is read."""

STYLES = ("short", "detailed", "category")
Style = Literal["short", "detailed", "category"]


@dataclass(frozen=True)
class ModelOptions:
    """The model, the segmenter, and their device and dtype."""

    model: str = "nano"
    revision: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    segmenter: str = DEFAULT_SEGMENTER
    adapter: Path | None = None
    verify: bool = False
    labels: str | None = None
    """A CLIP: of the model "labels" (None for the usual one), and whose scores stand beside a language model's."""


@dataclass(frozen=True)
class Marks:
    """The marks of one region: clicks and a box for the segmenter, or a file with one or several masks."""

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
    confidence: bool = False
    """Whether to tell how sure the region's name is, and the next guesses."""


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
    confidence: bool = False
    """Whether every region's entry also has its name, how sure that is, and the next guesses."""
    further_pictures: tuple[Path, ...] = ()
    """More files, folders or patterns, into the same file of captions."""
    compare_with: str | None = None
    """A second model, named as the first is, whose captions stand beside the first one's."""


@dataclass(frozen=True)
class FindOptions:
    """One phrase to find in one picture."""

    image: Path
    phrase: str
    out: Path | None
    masks: Path | None
    """None: everything that the segmenter finds."""
    threshold: float
    models: ModelOptions


@dataclass(frozen=True)
class JudgeOptions:
    """Labels to score for regions of one picture."""

    image: Path
    labels: tuple[str, ...]
    marks: tuple[Marks, ...]
    rank_by: Literal["sum", "mean"]
    out: Path | None
    models: ModelOptions


def read_options(argv: Sequence[str]) -> AskOptions | DescribeOptions | FindOptions | JudgeOptions:
    """Options from the arguments of `python -m osprey_core`. Raises InputError for invalid ones."""
    given = _parser().parse_args(list(argv))
    models = ModelOptions(
        _model_of(given),
        given.revision,
        given.device,
        given.dtype,
        given.segmenter,
        given.adapter,
        given.verify,
        given.labels,
    )
    if given.command == "find":
        return FindOptions(given.image, given.phrase, given.out, given.masks, given.threshold, models)
    if given.command == "judge":
        labels = tuple(dict.fromkeys(" ".join(label.split()) for label in given.list.split(",") if label.strip()))
        marks = tuple(_as_marks(place, draft) for place, draft in enumerate(given.marks or (), 1))
        if not marks:
            raise InputError("cli.judge_unmarked")
        return JudgeOptions(given.image, labels, marks, given.rank_by, given.out, models)
    settings = SamplingSettings(given.temperature, given.top_p, given.max_new_tokens, given.seed)
    if given.command == "describe":
        masks = None if given.everything else given.masks
        style: Style = given.style or ("category" if is_label_model(models.model) else "short")
        wanted = given.pictures[0], given.out, masks, style, given.limit
        further = tuple(given.pictures[1:])
        return DescribeOptions(*wanted, models, settings, given.confidence, further, given.compare_with)
    if (given.question is None) == (given.style is None):
        raise InputError("cli.question_or_style")
    marks = tuple(_as_marks(place, draft) for place, draft in enumerate(given.marks or (), 1))
    question = QUESTIONS[given.style] if given.question is None else given.question
    return AskOptions(given.image, question, marks, models, settings, given.save, given.confidence)


def _model_of(given: argparse.Namespace) -> str:
    """The model's name; a vocabulary to label by stands for the CLIP alone, with its classes."""
    vocabulary = getattr(given, "vocabulary", None)
    if vocabulary is None:
        return str(given.model or ModelOptions.model)
    if given.model is not None or given.style not in (None, "category"):
        raise InputError("cli.vocabulary_alone")
    return label_model_name(vocabulary)


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


def _path(text: str) -> Path:
    """An empty name would mean the current folder, or fail only when it is written to."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it names no file; give a path")
    return Path(text)


def _at_least_one(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 1")
    return number


def _share(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number above 0 and up to 1")
    return number


def _add_marks(command: argparse.ArgumentParser) -> None:
    """The options that mark regions."""
    marks = command.add_argument_group("regions")
    for name, kind, shape, text in (
        ("--point", _numbers(2), "X,Y", "a pixel of the region; again for more of them"),
        ("--not-point", _numbers(2), "X,Y", "a pixel that does not belong to it"),
        ("--box", _numbers(4), "X0,Y0,X1,Y1", "a box around the region"),
        ("--mask", _path, "FILE", "a mask: PNG, COCO or labelme JSON; each mask in it is a region"),
    ):
        marks.add_argument(name, action=_MarkAction, type=kind, metavar=shape, dest="marks", help=text)
    marks.add_argument("--region", action=_MarkAction, nargs=0, dest="marks", help="begin the next region")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m osprey_core", description="Ask about any region of a picture.", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="{ask,describe,find,judge}")

    asking = commands.add_parser(
        "ask",
        help="ask one question about one picture",
        allow_abbrev=False,
        description="Ask one question about a picture; the answer is written as it comes. --point, --not-point and "
        "--box mark one region, --region begins the next one; questions call them <region1>, <region2> …",
    )
    asking.add_argument("image", type=_path, metavar="IMAGE")
    asking.add_argument("--question", help="what you want to know")
    asking.add_argument("--style", choices=sorted(QUESTIONS), help="one of the published questions instead")
    _add_marks(asking)
    asking.add_argument("--save", type=_path, metavar="FILE.zip", help="also export the conversation, masks and all")

    describing = commands.add_parser(
        "describe",
        help="describe all regions of pictures or of folders of pictures",
        allow_abbrev=False,
        description="Describe every region of pictures, or of all pictures in folders, into one COCO file. Start it "
        "again with the same words to go on where it was stopped.",
    )
    describing.add_argument(
        "pictures",
        type=_path,
        nargs="+",
        metavar="IMAGE_OR_FOLDER",
        help="pictures, folders, or patterns such as 'photos/*.jpg'; several of them in any order",
    )
    which = describing.add_mutually_exclusive_group(required=True)
    which.add_argument("--everything", action="store_true", help="all that the segmenter finds")
    which.add_argument("--masks", type=_path, help="a COCO file, or a folder with a mask file for each picture")
    describing.add_argument("--out", type=_path, required=True, metavar="FILE.json")
    describing.add_argument("--style", choices=STYLES, help="short is the default, category for names by a CLIP alone")
    describing.add_argument(
        "--vocabulary",
        metavar="NAME_OR_FILE",
        help=f"name the regions by a CLIP alone, with the classes of {', '.join(BUILT_IN)} or a file",
    )
    describing.add_argument("--compare-with", metavar="MODEL", help="another model, whose captions stand beside")
    describing.add_argument("--limit", type=_at_least_one, help="at most so many regions of a picture, largest first")

    finding = commands.add_parser(
        "find",
        help="find what a phrase names in a picture",
        allow_abbrev=False,
        description='Find the regions of a picture that a phrase such as "red car" fits: a line for each, best first.',
    )
    finding.add_argument("image", type=Path, metavar="IMAGE")
    finding.add_argument("phrase", metavar="PHRASE")
    finding.add_argument("--out", type=Path, metavar="FILE.json", help="also write the masks as a COCO file")
    finding.add_argument("--masks", type=Path, help="a mask file to search in, instead of all that the segmenter finds")
    finding.add_argument(
        "--threshold", type=_share, default=0.5, help="least score, above 0 and up to 1; 0.5 is the default"
    )

    judging = commands.add_parser(
        "judge",
        help="score labels of your own for regions of a picture",
        allow_abbrev=False,
        description="Score labels for regions by the model's likelihood of answering with each of them and, with "
        "--labels, by a CLIP: a line for each label, best first.",
    )
    judging.add_argument("image", type=_path, metavar="IMAGE")
    judging.add_argument("list", metavar="LABELS", help='labels parted by commas: "lion, giraffe, elephant"')
    judging.add_argument(
        "--rank-by", choices=("sum", "mean"), default="sum", help="sum: whole label, the default; mean: each token"
    )
    judging.add_argument("--out", type=_path, metavar="FILE.json", help="also write all scores as JSON")
    _add_marks(judging)

    for command in (asking, describing, finding, judging):
        models = command.add_argument_group("model")
        models.add_argument(
            "--model",
            help="nano (default), a checkpoint folder or a Hub name; labels or labels:VOCABULARY for names by a CLIP "
            "alone; openai:URL#MODEL for a model behind an endpoint",
        )
        models.add_argument(
            "--labels",
            metavar="CLIP",
            help="clip, a folder or a Hub name: the CLIP of the model labels; find and judge ask it beside the others",
        )
        models.add_argument("--revision", help="branch, tag or commit on the Hub")
        models.add_argument("--adapter", type=_path, metavar="FOLDER", help="a LoRA adapter trained on the model")
        models.add_argument("--verify", action="store_true", help="check the sums of files downloaded earlier")
        models.add_argument(
            "--segmenter", default=DEFAULT_SEGMENTER, help=f"{', '.join(SEGMENTERS)}; or sam:vit_b:FILE"
        )
        models.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1 …, mps")
        models.add_argument("--dtype", default="auto", help="auto (default), float32, bfloat16, float16")
        if command in (finding, judging):
            continue
        answers = command.add_argument_group("answers")
        answers.add_argument("--temperature", type=float, default=0.0, help="0, the default, always says the same")
        answers.add_argument("--top-p", type=float, default=1.0)
        answers.add_argument("--max-new-tokens", type=_at_least_one, help="the model's own limit by default")
        answers.add_argument("--seed", type=int)
        answers.add_argument(
            "--confidence", action="store_true", help="also the region's name, how sure it is, and the next guesses"
        )
    return parser
