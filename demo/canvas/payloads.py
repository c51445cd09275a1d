"""JSON payloads for the canvas's script: the picture, the regions over it, all open pictures, found segments.

Pictures are sent as reduced copies, which are cached.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from demo.session.session import Picture, Segment, Session
from demo.session.workspace import Sheet, Workspace
from demo.shared.mask_payload import shown_mask
from osprey_core.io.pictures import fit_within
from osprey_core.regions.colors import color_of, text_color_on

SHOWN_SIDE = 1600
"""Longest side of the picture's copy that is sent to the browser, in pixels."""
DETAIL_SIDE = 2400
"""Longest side of an enlarged part of the picture that is sent to the browser, in pixels."""
THUMBNAIL_SIDE = 240
MAX_SHOWN_COPIES = 64
"""Number of cached picture copies, so that switching back to a picture is quick."""


def scene_of(session: Session, seq: int = 0, twin: int | None = None, is_loading: bool = False) -> dict[str, Any]:
    """The regions as the canvas draws them, as JSON. `seq` is the number of the gesture that this answers.

    twin: the region that was selected because the gesture marked the same again. is_loading: the gesture could not be
    done yet, because the segmenter is loading; the script sends it again.
    """
    regions = []
    for region in session.regions:
        points = []
        if region.prompt is not None:
            hints = zip(region.prompt.points_xy, region.prompt.labels, strict=True)
            points = [[x, y, label] for (x, y), label in hints]
        regions.append(
            {
                **shown_mask(region.mask),
                **_look(region.number),
                "points": points,
                "frame": region.prompt.box_xyxy if region.prompt else None,
                "corners": [list(corner) for corner in region.corners],
                "extent": region.extent_names[region.extent] if len(region.extent_names) > 1 else "",
                "name": region.name,
                "hidden": region.hidden,
            }
        )
    return {
        "seq": seq,
        "picture": session.picture.digest if session.picture else None,
        "selected": session.selected,
        "next": _look(session.next_number),
        "twin": twin,
        "isLoading": is_loading,
        "canUndo": bool(session.undo),
        "canRedo": bool(session.redo),
        "regions": regions,
    }


def segments_of(session: Session, segments: Sequence[Segment]) -> dict[str, Any]:
    """The segments found in the session's picture, as JSON for the canvas."""
    assert session.picture is not None
    return {
        "picture": session.picture.digest,
        "items": [{**shown_mask(segment.mask), "score": round(segment.score, 3)} for segment in segments],
    }


def pictures_of(workspace: Workspace, image_of: Callable[[Picture], np.ndarray]) -> dict[str, Any]:
    """All open pictures as JSON, with the id of the sheet in front; `image_of` returns a picture's pixels."""
    items = []
    for sheet in workspace.sheets:
        picture = sheet.session.picture
        assert picture is not None
        items.append({"sheet": sheet.id, "name": picture.name, "thumb": _small_copy(picture.digest, picture, image_of)})
    return {"front": workspace.front.id, "items": items}


def picture_of(sheet: Sheet, image: np.ndarray) -> dict[str, Any]:
    """The picture as JSON: its full size, and a reduced copy as a data URL."""
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


def detail_of(session: Session, image: np.ndarray, box_xyxy: tuple[int, int, int, int], scale: float) -> dict[str, Any]:
    """A part of the picture, at most at its full size, as JSON with a data URL; {} if the box holds no pixel.

    image: uint8 (H, W, 3). scale: wanted pixels for each pixel of the picture, at most 1.
    """
    assert session.picture is not None
    height, width = image.shape[:2]
    x0, x1 = (min(max(x, 0), width) for x in box_xyxy[0::2])
    y0, y1 = (min(max(y, 0), height) for y in box_xyxy[1::2])
    if x0 >= x1 or y0 >= y1:
        return {}
    longest = max(x1 - x0, y1 - y0)
    part = fit_within(Image.fromarray(image[y0:y1, x0:x1]), max(1, min(DETAIL_SIDE, round(longest * scale))))
    shown_scale = max(part.size) / longest
    return {"picture": session.picture.digest, "box": [x0, y0, x1, y1], "scale": shown_scale, "url": _data_url(part)}


@lru_cache(maxsize=256)
def thumbnail(path: Path) -> str:
    """A small copy of the picture in a file, as a data URL."""
    with Image.open(path) as image:
        return _small(image.convert("RGB"))


_shown_copies: dict[str, str] = {}
_small_copies: dict[str, str] = {}


def _shown_copy(image: np.ndarray) -> str:
    return _data_url(fit_within(Image.fromarray(image), SHOWN_SIDE))


def _data_url(shown: Image.Image) -> str:
    buffer = io.BytesIO()
    # Drawings stay sharp as PNG; photographs are far smaller as JPEG.
    if len(shown.getcolors(4096) or ()) > 0:
        shown.save(buffer, "PNG")
        kind = "png"
    else:
        shown.save(buffer, "JPEG", quality=90)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _small_copy(digest: str, picture: Picture, image_of: Callable[[Picture], np.ndarray]) -> str:
    """As `thumbnail`, of an open picture; cached by digest, so that its pixels need not be decoded again."""
    if digest not in _small_copies and len(_small_copies) >= 1000:
        _small_copies.clear()  # rare, and quickly computed again
    return _small_copies.get(digest) or _small_copies.setdefault(digest, _small(Image.fromarray(image_of(picture))))


def _small(image: Image.Image) -> str:
    buffer = io.BytesIO()
    fit_within(image, THUMBNAIL_SIDE).save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _look(number: int) -> dict[str, Any]:
    color = color_of(number)
    return {"number": number, "color": color, "text": text_color_on(color)}
