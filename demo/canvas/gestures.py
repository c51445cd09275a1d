"""What the canvas's script sends: one typed message for each gesture, and the check of uploaded files.

Numbers are pixels of the picture. Decides nothing about what a gesture means.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from gradio import utils
from pydantic import Field, TypeAdapter, ValidationError

from demo.session.marks import Action
from demo.session.regions import Reshape
from demo.shared.messages import Lax, Point, ScriptMessage
from osprey_core.errors import InputError

EVENTS = (
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

MAX_MEGABYTES = 40


class Gesture(ScriptMessage):
    """What all gestures bring; those without anything else are of this class."""

    seq: int
    """The gesture's number. The answer repeats it, so that the script knows what has been answered."""
    picture: str | None = None
    """Digest of the picture on which the gesture was made."""

    @classmethod
    def refusal(cls) -> InputError:
        """What is said of a value that is no such gesture."""
        return InputError("page.bad_gesture")


class OpenGesture(Gesture):
    """A picture to be opened: an example by its file name, an address of the web, or an uploaded file."""

    example: str | None = None
    address: str | None = None
    file: object = None
    """As Gradio's upload gives it, see `uploaded_file`."""


class SheetGesture(Gesture):
    """An open picture, by its sheet's id, to be brought to the front or to be closed."""

    sheet: int

    @classmethod
    def refusal(cls) -> InputError:
        """No such picture is open."""
        return InputError("page.picture_closed")


class LoadGesture(Gesture):
    """An uploaded file with masks."""

    file: object = None
    """As Gradio's upload gives it, see `uploaded_file`."""


class PointGesture(Gesture):
    """A click."""

    x: float
    y: float
    action: Action


class BoxGesture(Gesture):
    """A box by two opposite corners: x, y, x, y."""

    box: Annotated[tuple[float, float, float, float], Lax]
    action: Action


class BrushGesture(Gesture):
    """A stroke through points."""

    points: Annotated[tuple[Point, ...], Lax]
    radius: float
    action: Action


class PolygonGesture(Gesture):
    """A closed outline by its corners."""

    points: Annotated[tuple[Point, ...], Lax]
    action: Action


class SegmentGesture(Gesture):
    """One of all things that were found in the picture, by its place among them."""

    index: int
    action: Action


class _RegionGesture(Gesture):
    """A change of one region in the list."""

    number: int


class SelectRegion(_RegionGesture):
    """The region that questions mean."""

    op: Literal["select"]


class DeleteRegion(_RegionGesture):
    """A region that is to go."""

    op: Literal["delete"]


class NextExtent(_RegionGesture):
    """A region that is to become a part of itself, or a larger whole."""

    op: Literal["extent"]


class RenameRegion(_RegionGesture):
    """A region's new name; an empty one takes the name away."""

    op: Literal["rename"]
    name: str = ""


class ShowRegion(_RegionGesture):
    """A region that is to be drawn, or not."""

    op: Literal["show", "hide"]


class ReshapeRegion(_RegionGesture):
    """A region whose mask is to be changed as a whole."""

    op: Reshape


class JoinRegions(_RegionGesture):
    """Two regions to be joined, or the second to be cut out of the first."""

    op: Literal["merge", "subtract"]
    other: int


class EditAll(Gesture):
    """All regions to go, or the last change to be undone."""

    op: Literal["clear", "undo"]


Edit = SelectRegion | DeleteRegion | NextExtent | RenameRegion | ShowRegion | ReshapeRegion | JoinRegions | EditAll
"""A change in the list of regions; `op` tells which."""

_EDIT: TypeAdapter[Edit] = TypeAdapter(Annotated[Edit, Field(discriminator="op")])


def read_edit(value: Any) -> Edit:
    """The change of the list of regions that this value is. Raises InputError if it is none."""
    try:
        return _EDIT.validate_python(value)
    except ValidationError:
        raise Gesture.refusal() from None


def seq_of(value: Any) -> int:
    """The number of a gesture, which is answered even if the gesture is refused; 0 if it has none."""
    seq = value.get("seq") if isinstance(value, dict) else None
    return seq if isinstance(seq, int) else 0


def uploaded_file(file: object) -> Path:
    """Where an uploaded file lies. Raises InputError unless that is where Gradio keeps uploads.

    The path comes from outside, so without this check any file of the computer could be asked for.
    """
    path = file.get("path") if isinstance(file, dict) else None
    if not isinstance(path, str) or not path:
        raise InputError("page.upload_missing")
    resolved = Path(path).resolve()
    if (
        not utils.is_in_or_equal(str(resolved), str(Path(utils.get_upload_folder()).resolve()))
        or not resolved.is_file()
    ):
        raise InputError("page.upload_missing")
    if resolved.stat().st_size > MAX_MEGABYTES * 1_000_000:
        raise InputError("page.too_large", limit=MAX_MEGABYTES)
    return resolved
