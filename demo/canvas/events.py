"""Handlers of the canvas's gestures: marking and editing regions, finding everything, saving."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import gradio as gr

from demo.canvas import gestures
from demo.canvas.gestures import (
    BoxGesture,
    BrushGesture,
    CutOut,
    DeleteRegion,
    DetailMessage,
    DropPoint,
    Edit,
    EditAll,
    Gesture,
    JoinRegions,
    LoadGesture,
    MoveBox,
    MoveCorner,
    MovePoint,
    NextExtent,
    PointGesture,
    PolygonGesture,
    PreviewMessage,
    RenameRegion,
    ReshapeRegion,
    SegmentGesture,
    SelectRegion,
    ShowRegion,
    seq_of,
)
from demo.canvas.payloads import detail_of, scene_of, segments_of
from demo.session import marks, record, regions
from demo.session.pictures import picture_turn, required_picture
from demo.session.segments import SEGMENTER_LOADING, preview_mask, segments_in
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from demo.shared import queues
from demo.shared.mask_payload import shown_mask
from demo.shared.outputs import Outputs
from demo.shared.queues import Queue, private
from demo.shared.toasts import errors_as_toasts, note_as_toast
from demo.shared.uploads import uploaded_file
from osprey_core.errors import InputError

Kind = TypeVar("Kind", bound=Gesture)


def scene_outputs(canvas: gr.HTML) -> Outputs[Session]:
    """The canvas with the session's regions, for events other than gestures."""
    return Outputs((canvas,), lambda session: [{"scene": scene_of(session)}])


def wire_canvas(services: Services, workspace: gr.State, canvas: gr.HTML, followers: Outputs[Session]) -> None:
    """Wire all gestures but those that open and close pictures. `followers` are updated when regions change."""

    def on_regions(
        event: str,
        read: Callable[[Any], Kind],
        change: Callable[[Services, Session, Kind], Session],
        queue: Queue,
    ) -> None:
        getattr(canvas, event)(
            RegionHandler(services, followers, read, change),
            [workspace, canvas],
            [canvas, *followers.components],
            **private(queue, overlapping=True),
        )

    on_regions("segment_point", PointGesture.read, mark_point, queues.SEGMENTER)
    on_regions("segment_box", BoxGesture.read, mark_box, queues.SEGMENTER)
    on_regions("segment_brush", BrushGesture.read, mark_brush, queues.EDITS)
    on_regions("segment_polygon", PolygonGesture.read, mark_polygon, queues.EDITS)
    on_regions("refine_mark", Gesture.read, refine_mark, queues.SEGMENTER)
    on_regions("take_segment", SegmentGesture.read, take_segment, queues.SEGMENTER)
    on_regions("load_masks", LoadGesture.read, load_masks, queues.HEAVY)
    on_regions("edit_regions", gestures.read_edit, edit_regions, queues.EDITS)
    others = CanvasHandlers(services)
    canvas.segment_everything(
        others.segment_everything, [workspace, canvas], [canvas], **private(queues.HEAVY, overlapping=True)
    )
    canvas.preview_point(others.preview_point, [workspace], [canvas], **private(queues.PREVIEWS, overlapping=True))
    canvas.show_detail(others.show_detail, [workspace], [canvas], **private(queues.OPENING, overlapping=True))
    canvas.cut_out(others.cut_out, [workspace, canvas], [canvas], **private(queues.HEAVY))
    canvas.save_record(others.save_record, [workspace, canvas], [canvas], **private(queues.HEAVY))


@dataclass
class SegmenterLoading:
    """As a `with` block: ends it quietly where the segmenter is still loading, and notes so.

    The script keeps such a gesture, and sends it again.
    """

    is_loading: bool = False

    def __enter__(self) -> SegmenterLoading:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        self.is_loading = isinstance(error, InputError) and error.code == SEGMENTER_LOADING
        return self.is_loading


@dataclass(frozen=True)
class RegionHandler(Generic[Kind]):
    """What Gradio calls when a gesture of one kind changes regions: (workspace, gesture) → updates."""

    services: Services
    followers: Outputs[Session]
    read: Callable[[Any], Kind]
    change: Callable[[Services, Session, Kind], Session]

    def __call__(self, workspace: Workspace, value: Any) -> list[Any]:
        """The canvas's update, then those of the followers; also after a gesture that was refused."""
        twin: int | None = None
        loading = SegmenterLoading()
        with errors_as_toasts(), loading:
            gesture = self.read(value)
            if workspace.session.picture is None and gesture.picture:
                raise InputError("page.picture_gone")

            def change(session: Session) -> Session:
                nonlocal twin
                if not session.shows(gesture.picture):
                    return session
                changed = self.change(self.services, session, gesture)
                if session.picture is workspace.session.picture:
                    twin = _twin(gesture, session, changed)
                return changed

            # A mark that waited for the segmenter may belong to a picture that is no longer in front.
            workspace.change_regions(change, gesture.made_on)
        session = workspace.session
        scene = scene_of(session, seq_of(value), twin, loading.is_loading)
        return [gr.update(scene=scene), *self.followers.updates(session)]


def _twin(gesture: Gesture, before: Session, after: Session) -> int | None:
    """The number of the region that a mark for a new region selected instead, because it shows the same."""
    is_new = getattr(gesture, "action", "") == "new" or isinstance(gesture, LoadGesture)
    return after.selected if is_new and len(after.regions) == len(before.regions) else None


@dataclass(frozen=True)
class CanvasHandlers:
    """Handlers of gestures that change no region: (workspace, gesture) → update of the canvas."""

    services: Services

    def segment_everything(self, workspace: Workspace, value: Any) -> Any:
        """The outlines of everything that the segmenter finds."""
        session = workspace.session
        segments: dict[str, Any] = {}
        loading = SegmenterLoading()
        with errors_as_toasts(), loading:
            if session.shows(Gesture.read(value).picture):
                segments = {"segments": segments_of(session, segments_in(self.services, session))}
        scene = scene_of(workspace.session, seq_of(value), is_loading=loading.is_loading)
        return gr.update(scene=scene, **segments)

    def preview_point(self, workspace: Workspace, event: gr.EventData) -> Any:
        """What a click at the pointer would mark; empty if there is nothing. Without toasts, because nobody asked."""
        wanted = PreviewMessage.read_event(event)
        picture = workspace.session.picture
        mask = None
        if picture is not None and workspace.session.shows(wanted.picture):
            with suppress(InputError):
                mask = preview_mask(self.services, picture, wanted.x, wanted.y, wanted.shown)
        shown = {} if mask is None else shown_mask(mask)
        return gr.update(preview={"seq": wanted.seq, "picture": wanted.picture, "mask": shown})

    def show_detail(self, workspace: Workspace, event: gr.EventData) -> Any:
        """A part of the picture in front at its full size."""
        detail: dict[str, Any] = {}
        with errors_as_toasts():
            wanted = DetailMessage.read_event(event)
            session = workspace.session
            if session.picture is not None and session.shows(wanted.picture):
                image = self.services.pictures.get(session.picture).image()
                detail = detail_of(session, image, wanted.box, wanted.scale)
        return gr.update(detail=detail) if detail else gr.skip()

    def save_record(self, workspace: Workspace, value: Any) -> Any:
        """The conversation as a zip, which the script hands to the browser as a download."""
        download: dict[str, Any] = {}
        with errors_as_toasts():
            session = workspace.session
            with picture_turn(self.services, workspace.person, record.export_pixels(session)):
                data, name = record.zip_of(session, self.services.model.name, self.services.segmenter.name)
            download = {"download": {"seq": seq_of(value), "name": name, "data": base64.b64encode(data).decode()}}
        return gr.update(scene=scene_of(workspace.session, seq_of(value)), **download)

    def cut_out(self, workspace: Workspace, value: Any) -> Any:
        """A region as a PNG with transparency, which the script saves or copies."""
        download: dict[str, Any] = {}
        with errors_as_toasts():
            session, gesture = workspace.session, CutOut.read(value)
            if session.picture is not None and session.shows(gesture.picture):
                image = self.services.pictures.get(session.picture).image()
                with picture_turn(self.services, workspace.person, record.cutout_pixels(session, gesture.number)):
                    data, name = record.cutout_of(session, gesture.number, image)
                download = {"download": {"seq": seq_of(value), "name": name, "data": base64.b64encode(data).decode()}}
        return gr.update(scene=scene_of(workspace.session, seq_of(value)), **download)


# --- from a gesture to the session's regions -------------------------------------------------------------------------


def mark_point(services: Services, session: Session, gesture: PointGesture) -> Session:
    """A click."""
    return marks.mark_point(services, session, gesture.x, gesture.y, gesture.action, gesture.shown)


def mark_box(services: Services, session: Session, gesture: BoxGesture) -> Session:
    """A box."""
    return marks.mark_box(services, session, gesture.box, gesture.action)


def mark_brush(services: Services, session: Session, gesture: BrushGesture) -> Session:
    """A stroke of the brush."""
    return marks.mark_brush(session, gesture.points, gesture.radius, gesture.action)


def mark_polygon(services: Services, session: Session, gesture: PolygonGesture) -> Session:
    """A closed outline."""
    return marks.mark_polygon(session, gesture.points, gesture.action)


def refine_mark(services: Services, session: Session, gesture: Gesture) -> Session:
    """Replace the last mark by the segmenter outline that overlaps it most."""
    return marks.refine_mark(services, session)


def take_segment(services: Services, session: Session, gesture: SegmentGesture) -> Session:
    """One of the segments that were found."""
    return marks.take_segment(services, session, gesture.index, gesture.action)


def load_masks(services: Services, session: Session, gesture: LoadGesture) -> Session:
    """All masks of a file."""
    picture, data = required_picture(session), uploaded_file(gesture.file).read_bytes()
    with picture_turn(services, picture.digest, picture.width * picture.height):
        return regions.load_masks(session, data, note_as_toast)


def edit_regions(services: Services, session: Session, gesture: Edit) -> Session:
    """A change in the list of regions."""
    match gesture:
        case SelectRegion(number=number):
            return regions.select_region(session, number)
        case DeleteRegion(number=number):
            return regions.delete_region(session, number)
        case NextExtent(number=number):
            return marks.other_extent(services, session, number)
        case MovePoint(number=number, index=index, x=x, y=y):
            return marks.move_point(services, session, number, index, x, y)
        case DropPoint(number=number, index=index):
            return marks.drop_point(services, session, number, index)
        case MoveBox(number=number, box=box):
            return marks.move_box(services, session, number, box)
        case MoveCorner(number=number, index=index, x=x, y=y):
            return marks.move_corner(session, number, index, x, y)
        case RenameRegion(number=number, name=name):
            return regions.rename_region(session, number, name)
        case ShowRegion(number=number, op=op):
            return regions.show_region(session, number, op == "show")
        case ReshapeRegion(number=number, op=op):
            return regions.reshape_region(session, number, op)
        case JoinRegions(op="merge", number=number, other=other):
            return regions.merge_regions(session, number, other)
        case JoinRegions(number=number, other=other):
            return regions.subtract_region(session, number, other)
        case EditAll(op="clear"):
            return regions.clear_regions(session)
        case EditAll(op="undo"):
            return regions.undo(session)
        case EditAll():
            return regions.redo(session)
