"""Messages from the canvas's script: one type for each gesture.

Coordinates are in picture pixels. The effects of gestures are in `demo.canvas.events`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

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
    "cut_out",
    "show_detail",
    "preview_point",
    "edit_regions",
)
"""Names of the events that the script triggers."""


class Gesture(ScriptMessage):
    """The fields of all gestures; gestures without further fields are of this class."""

    seq: int
    """The gesture's number. The answer repeats it, so that the script can match answers to gestures."""
    picture: str | None = None
    """Digest of the picture on which the gesture was made."""
    made_on: int | None = None
    """Id of the sheet on which the gesture was made; None: the one in front."""

    @classmethod
    def refusal(cls) -> InputError:
        """The error for a value that is no such gesture."""
        return InputError("page.bad_gesture")


class OpenGesture(Gesture):
    """Open a picture: an example by its file name, a web address, or an uploaded file."""

    example: str | None = None
    address: str | None = None
    file: object = None
    """Gradio's FileData as the upload returned it, see `demo.shared.uploads`."""


class SheetGesture(Gesture):
    """Bring an open picture, named by its sheet's id, to the front, or close it."""

    sheet: int

    @classmethod
    def refusal(cls) -> InputError:
        """The error for a value that names no sheet."""
        return InputError("page.picture_closed")


class LoadGesture(Gesture):
    """An uploaded file with masks."""

    file: object = None
    """Gradio's FileData as the upload returned it, see `demo.shared.uploads`."""


class PointGesture(Gesture):
    """A click."""

    x: float
    y: float
    action: Action
    shown: float | None = None
    """The longer side of the part of the picture that is shown, in picture pixels; None: all of it."""


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
    """One of the segments that were found in the picture, by its index."""

    index: int
    action: Action


class DetailMessage(ScriptMessage):
    """A part of the picture that the browser shows enlarged."""

    picture: str
    """Digest of the picture."""
    box: Annotated[tuple[int, int, int, int], Lax]
    """x0, y0, x1, y1 in pixels of the picture."""
    scale: Annotated[float, Field(gt=0, le=1)]
    """Wanted pixels for each pixel of the picture."""

    @classmethod
    def refusal(cls) -> InputError:
        """The error for a value that names no part of a picture."""
        return InputError("page.bad_gesture")


class PreviewMessage(ScriptMessage):
    """The pointer rests at a point of the picture."""

    picture: str
    """Digest of the picture."""
    seq: int
    """Number of the preview, which the answer repeats."""
    x: float
    y: float
    shown: float | None = None
    """As of `PointGesture`."""

    @classmethod
    def refusal(cls) -> InputError:
        """The error for a value that names no point."""
        return InputError("page.bad_gesture")


class _RegionGesture(Gesture):
    """A gesture about one region in the list."""

    number: int


class CutOut(_RegionGesture):
    """Give out the pixels of a region as a picture of its own."""


class SelectRegion(_RegionGesture):
    """Select the region that questions without a mention refer to."""

    op: Literal["select"]


class DeleteRegion(_RegionGesture):
    """Delete a region."""

    op: Literal["delete"]


class NextExtent(_RegionGesture):
    """Switch a region to the segmenter's next extent: a part, the whole, a larger whole."""

    op: Literal["extent"]


class MovePoint(_RegionGesture):
    """Move one of the clicks that a region was made by."""

    op: Literal["move_point"]
    index: int
    x: float
    y: float


class DropPoint(_RegionGesture):
    """Remove one of the clicks that a region was made by."""

    op: Literal["drop_point"]
    index: int


class MoveBox(_RegionGesture):
    """Change the box that a region was made by."""

    op: Literal["move_box"]
    box: Annotated[tuple[float, float, float, float], Lax]


class MoveCorner(_RegionGesture):
    """Move one of the corners of the outline that a region was drawn by."""

    op: Literal["move_corner"]
    index: int
    x: float
    y: float


class RenameRegion(_RegionGesture):
    """Rename a region; an empty name removes the name."""

    op: Literal["rename"]
    name: str = ""


class ShowRegion(_RegionGesture):
    """Show or hide a region."""

    op: Literal["show", "hide"]


class ReshapeRegion(_RegionGesture):
    """Change a region's mask as a whole."""

    op: Reshape


class JoinRegions(_RegionGesture):
    """Merge two regions, or subtract the second from the first."""

    op: Literal["merge", "subtract"]
    other: int


class EditAll(Gesture):
    """Delete all regions, or undo or redo the last change."""

    op: Literal["clear", "undo", "redo"]


Edit = (
    SelectRegion
    | DeleteRegion
    | NextExtent
    | MovePoint
    | DropPoint
    | MoveBox
    | MoveCorner
    | RenameRegion
    | ShowRegion
    | ReshapeRegion
    | JoinRegions
    | EditAll
)
"""A change in the list of regions; `op` tells which."""

_EDIT: TypeAdapter[Edit] = TypeAdapter(Annotated[Edit, Field(discriminator="op")])


def read_edit(value: Any) -> Edit:
    """Parse a change of the list of regions. Raises InputError if the value is none."""
    try:
        return _EDIT.validate_python(value)
    except ValidationError:
        raise Gesture.refusal() from None


def seq_of(value: Any) -> int:
    """The number of a gesture, needed to answer even a gesture that is refused; 0 if it has none."""
    seq = value.get("seq") if isinstance(value, dict) else None
    return seq if isinstance(seq, int) else 0
