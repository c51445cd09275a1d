"""Python side of the picture canvas: building the component, what it is sent, and reading what it sends.

Downwards go two properties, `picture` and `scene`; upwards comes `value`, one gesture at a time. Nothing here decides
what a gesture means.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio import utils
from PIL import Image

from demo.i18n import words
from demo.session.examples import Example
from demo.session.session import Picture, Segment, Session
from demo.session.workspace import Seat, Sheet
from demo.shared.scripts import script, text_of
from osprey_core.draw import caption_layout
from osprey_core.draw.caption_layout import Caption
from osprey_core.errors import InputError
from osprey_core.io.pictures import fit_within
from osprey_core.regions import masks
from osprey_core.regions.masks import CodedMask
from osprey_core.regions.region import color_of, text_color_on

GESTURES = (
    "open_picture",
    "turn_to_picture",
    "close_picture",
    "segment_point",
    "segment_box",
    "segment_brush",
    "segment_polygon",
    "refine_mark",
    "segment_everything",
    "take_segment",
    "load_masks",
    "save_record",
    "edit_regions",
)
"""Names of the events that the script triggers."""

SHOWN_SIDE = 1600
"""Longest side of the picture as it is sent to the browser."""
MASK_SIDE = 1024
"""Longest side of a mask as it is sent to the browser; the model gets it at the picture's own size."""
THUMBNAIL_SIDE = 240
MAX_MEGABYTES = 40
MAX_CAPTIONS = 200
MAX_SHOWN_COPIES = 64
"""Pictures that are remembered as they were sent: a turn back to one should be quick."""


def build_canvas(examples: Sequence[Example], addresses: bool) -> gr.HTML:
    """The component, to be called inside a Blocks. `addresses`: whether a pasted address opens the picture there."""
    return gr.HTML(
        value=None,
        html_template='<div class="osp-root"></div>',
        css_template=text_of("canvas/canvas.css"),
        js_on_load=script("canvas/canvas.js", GESTURES),
        apply_default_css=False,
        server_functions=[place_captions],
        elem_id="canvas",
        words=words.CANVAS,
        examples=[
            {
                "name": example.path.name,
                "title": words.EXAMPLE_TITLES.get(example.title, example.title),
                "thumb": _thumbnail(example.path),
            }
            for example in examples
        ],
        limit_mb=MAX_MEGABYTES,
        addresses=addresses,
        picture=None,
        pictures=None,
        scene=None,
        segments=None,
        download=None,
    )


def scene_of(session: Session, seq: int = 0) -> dict[str, Any]:
    """What the canvas shows over the picture, as JSON. `seq` is the gesture that this answers."""
    regions = []
    for region in session.regions:
        shown = _shown_mask(region.mask)
        points = []
        if region.prompts is not None:
            hints = zip(region.prompts.points_xy, region.prompts.labels, strict=True)
            points = [[x, y, label] for (x, y), label in hints]
        regions.append(
            {
                **shown,
                **_look(region.number),
                "points": points,
                "found": region.prompts is not None,
                "name": region.name,
                "hidden": region.hidden,
            }
        )
    return {
        "seq": seq,
        "picture": session.picture.digest if session.picture else None,
        "selected": session.selected,
        "next": _look(session.next_number),
        "canUndo": bool(session.undo),
        "regions": regions,
    }


def segments_of(session: Session, segments: Sequence[Segment]) -> dict[str, Any]:
    """Everything that was found in the session's picture, as the canvas outlines it."""
    assert session.picture is not None
    return {
        "picture": session.picture.digest,
        "items": [{**_shown_mask(found.mask), "score": round(found.score, 3)} for found in segments],
    }


def pictures_of(seat: Seat, image_of: Callable[[Picture], np.ndarray]) -> dict[str, Any]:
    """All open pictures as the canvas lists them, with the number of the one in front; `image_of` gives the pixels."""
    items = []
    for sheet in seat.sheets:
        picture = sheet.session.picture
        assert picture is not None
        items.append({"sheet": sheet.id, "name": picture.name, "thumb": _small_copy(picture.digest, picture, image_of)})
    return {"front": seat.front.id, "items": items}


def picture_of(sheet: Sheet, image: np.ndarray) -> dict[str, Any]:
    """The picture as the canvas shows it: its true size, and a copy that is small enough to send."""
    session = sheet.session
    assert session.picture is not None
    digest = session.picture.digest
    if digest not in _shown_copies:
        if len(_shown_copies) >= MAX_SHOWN_COPIES:
            _shown_copies.clear()
        _shown_copies[digest] = _shown_copy(image)
    return {
        "id": session.picture.digest,
        "sheet": sheet.id,
        "width": session.picture.width,
        "height": session.picture.height,
        "name": session.picture.name,
        "url": _shown_copies.get(digest) or _shown_copy(image),
    }


_shown_copies: dict[str, str] = {}


def _shown_copy(image: np.ndarray) -> str:
    shown = fit_within(Image.fromarray(image), SHOWN_SIDE)
    buffer = io.BytesIO()
    # Drawings stay sharp as PNG; photographs are far smaller as JPEG.
    if len(shown.getcolors(4096) or ()) > 0:
        shown.save(buffer, "PNG")
        kind = "png"
    else:
        shown.save(buffer, "JPEG", quality=90)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def place_captions(wanted: Any) -> list[list[float] | None]:
    """Where captions fit, asked by the script: `wanted` has captions, size of the picture, what is taken (CSS pixels).

    Whatever else comes, comes from elsewhere and is answered with nothing.
    """
    try:
        rows = wanted["captions"][:MAX_CAPTIONS]
        captions = [
            Caption(
                _box(row["box"]),
                _pair(row["anchor"]),
                _positive(row["width"]),
                _positive(row["height"]),
                float(row["least"]),
            )
            for row in rows
        ]
        size, taken = _pair(wanted["size"]), [_box(box) for box in wanted["taken"][:MAX_CAPTIONS]]
        return [list(spot) if spot else None for spot in caption_layout.place(captions, size, taken)]
    except (TypeError, ValueError, KeyError, IndexError, OverflowError):
        return []


def _numbers(values: Any, count: int) -> tuple[float, ...]:
    numbers = tuple(float(value) for value in values)
    if len(numbers) != count or not all(abs(number) < 1e6 for number in numbers):
        raise ValueError("not so many numbers of a sane size")
    return numbers


def _pair(values: Any) -> tuple[float, float]:
    x, y = _numbers(values, 2)
    return x, y


def _box(values: Any) -> caption_layout.Box:
    x0, y0, x1, y1 = _numbers(values, 4)
    return x0, y0, x1, y1


def _positive(value: Any) -> float:
    (number,) = _numbers([value], 1)
    return max(number, 1.0)


def gesture_of(value: Any) -> dict[str, Any]:
    """A gesture as the script sends it; anything else becomes an empty one, which no handler accepts."""
    return value if isinstance(value, dict) else {}


def uploaded_file(gesture: dict[str, Any]) -> Path:
    """The file that a gesture brings. Raises InputError unless it lies where Gradio keeps uploads.

    The path comes from outside, so without this check any file of the computer could be asked for.
    """
    file = gesture.get("file")
    path = file.get("path") if isinstance(file, dict) else None
    if not isinstance(path, str) or not path:
        raise InputError(words.UPLOAD_MISSING)
    resolved = Path(path).resolve()
    if (
        not utils.is_in_or_equal(str(resolved), str(Path(utils.get_upload_folder()).resolve()))
        or not resolved.is_file()
    ):
        raise InputError(words.UPLOAD_MISSING)
    if resolved.stat().st_size > MAX_MEGABYTES * 1_000_000:
        raise InputError(words.TOO_LARGE.format(limit=MAX_MEGABYTES))
    return resolved


@lru_cache(maxsize=512)
def mask_key(stored: CodedMask) -> str:
    """A short name of a mask's pixels, the same for the same pixels."""
    return hashlib.sha1(f"{stored.height},{stored.width},{stored.counts}".encode()).hexdigest()[:12]


def _look(number: int) -> dict[str, Any]:
    color = color_of(number)
    return {"number": number, "color": color, "text": text_color_on(color)}


@lru_cache(maxsize=256)
def _shown_mask(stored: CodedMask) -> dict[str, Any]:
    """The mask shrunk for the browser: its size, the box it lies in, and the run lengths inside that box.

    Runs go row by row and alternate, starting outside. Any covered part of a shrunk pixel covers it, so that thin
    strokes stay visible.
    """
    mask = stored.mask()
    share = masks.area(mask) / mask.size
    height, width = mask.shape
    scale = MASK_SIDE / max(height, width)
    if scale < 1:
        rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
        shown = _any_of(_any_of(mask, rows, 0), columns, 1)
    else:
        shown = mask
    x0, y0, x1, y1 = masks.box_xyxy(shown)
    flat = shown[y0:y1, x0:x1].ravel()
    changes = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    return {
        "key": mask_key(stored),
        "percent": percent(share),
        "size": [int(shown.shape[1]), int(shown.shape[0])],
        "box": [x0, y0, x1, y1],
        "runs": [0, *runs] if flat[0] else runs,
    }


def _any_of(mask: masks.Mask, count: int, axis: int) -> masks.Mask:
    """The mask with its axis divided into `count` equal parts, each True where anything in it is."""
    length = mask.shape[axis]
    starts = np.arange(count) * length
    # A pixel that lies across the border of two parts belongs to both.
    shown = np.logical_or.reduceat(mask, starts // count, axis=axis)
    shown |= np.logical_or.reduceat(mask, -(-starts // count), axis=axis)
    return shown


def percent(share: float) -> str:
    """A share of the picture as a person reads it: never “0 %” for something that is there."""
    value = share * 100
    return "<0.1 %" if value < 0.1 else f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"


@lru_cache(maxsize=256)
def _thumbnail(path: Path) -> str:
    with Image.open(path) as image:
        return _small(image.convert("RGB"))


_small_copies: dict[str, str] = {}


def _small_copy(digest: str, picture: Picture, image_of: Callable[[Picture], np.ndarray]) -> str:
    """As `_thumbnail`, of an open picture; remembered by its digest, so that its pixels need not be."""
    if digest not in _small_copies and len(_small_copies) >= 1000:
        _small_copies.clear()  # rare, and made again in a blink
    return _small_copies.get(digest) or _small_copies.setdefault(digest, _small(Image.fromarray(image_of(picture))))


def _small(image: Image.Image) -> str:
    buffer = io.BytesIO()
    fit_within(image, THUMBNAIL_SIDE).save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
