"""Endpoints that mark regions in the picture and change their list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import gradio as gr

from demo.api.caller_identity import Callers
from demo.api.checked_inputs import number as checked_number
from demo.api.checked_inputs import switch, uploaded, whole, words
from demo.api.results import errors_as_sentences, listed, mask_result, region_result, selected_region
from demo.session import marks, regions
from demo.session.marks import Action
from demo.session.pictures import picture_turn, required_picture
from demo.session.segments import find_everything
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from demo.shared.toasts import note_as_toast


@dataclass(frozen=True)
class RegionEndpoints:
    """What programs call; the docstrings are what callers read."""

    services: Services
    callers: Callers

    def segment_point(self, request: gr.Request, x: float, y: float, action: str = "new", session: str = "") -> Any:
        """Mark the thing at a point of the picture. What is marked is a region, which questions call @1, @2 and so on.

        Parameters:
            x: pixels from the left edge of the picture.
            y: pixels from its upper edge.
            action: "new" makes a region; "add" and "remove" change the region that was marked last.
            session: what open_picture returned.
        Returns:
            the region: number, name, area in pixels, box_xyxy (left, top, right, bottom), rle (the mask as COCO RLE).
        """
        with errors_as_sentences():
            workspace = self.callers.workspace(session, request)
            x, y = checked_number(x, "x"), checked_number(y, "y")
            marked = workspace.change_regions(lambda s: marks.mark_point(self.services, s, x, y, _action(action)))
            return self.callers.told(selected_region(marked), request)

    def segment_box(self, request: gr.Request, box_xyxy: Any, action: str = "new", session: str = "") -> Any:
        """Mark the thing that a box frames.

        Parameters:
            box_xyxy: left, top, right, bottom in pixels of the picture.
            action: "new" makes a region; "add" and "remove" change the region that was marked last.
            session: what open_picture returned.
        Returns:
            the region: number, name, area, box_xyxy, rle.
        """
        with errors_as_sentences():
            workspace = self.callers.workspace(session, request)
            box = listed(box_xyxy)
            marked = workspace.change_regions(lambda s: marks.mark_box(self.services, s, box, _action(action)))
            return self.callers.told(selected_region(marked), request)

    def segment_brush(
        self,
        request: gr.Request,
        points_xy: Any,
        radius: float,
        action: str = "new",
        refine: bool = False,
        session: str = "",
    ) -> Any:
        """Mark the pixels under a brush stroke.

        Parameters:
            points_xy: the stroke's points, each [x, y] in pixels of the picture.
            radius: half the brush's width in pixels.
            action: "new" makes a region; "add" and "remove" change the region that was marked last.
            refine: whether the segmenter shall put the outline of the thing in the place of what was drawn.
            session: what open_picture returned.
        Returns:
            the region: number, name, area, box_xyxy, rle.
        """
        with errors_as_sentences():
            workspace = self.callers.workspace(session, request)
            stroke, radius = listed(points_xy), checked_number(radius, "radius")
            drawn = workspace.change_regions(lambda s: marks.mark_brush(s, stroke, radius, _action(action)))
            return self.callers.told(self._refined(workspace, drawn, refine), request)

    def segment_polygon(
        self, request: gr.Request, points_xy: Any, action: str = "new", refine: bool = False, session: str = ""
    ) -> Any:
        """Mark the pixels inside an outline.

        Parameters:
            points_xy: the outline's corners, each [x, y] in pixels of the picture; at least three.
            action: "new" makes a region; "add" and "remove" change the region that was marked last.
            refine: whether the segmenter shall put the outline of the thing in the place of what was drawn.
            session: what open_picture returned.
        Returns:
            the region: number, name, area, box_xyxy, rle.
        """
        with errors_as_sentences():
            workspace = self.callers.workspace(session, request)
            corners = listed(points_xy)
            drawn = workspace.change_regions(lambda s: marks.mark_polygon(s, corners, _action(action)))
            return self.callers.told(self._refined(workspace, drawn, refine), request)

    def segment_everything(self, request: gr.Request, session: str = "") -> Any:
        """Find all that stands out in the picture, largest first; nothing becomes a region by this.

        Parameters:
            session: what open_picture returned.
        Returns:
            of each find: index (for take_segment), score from 0 to 1, area, box_xyxy, rle.
        """
        with errors_as_sentences():
            segments = find_everything(self.services, self.callers.workspace(session, request).session)
            results = [
                {"index": index, "score": segment.score, **mask_result(segment.mask)}
                for index, segment in enumerate(segments)
            ]
            return self.callers.told(results, request)

    def take_segment(self, request: gr.Request, number: int, action: str = "new", session: str = "") -> Any:
        """Make a region of one find of segment_everything.

        Parameters:
            number: the index that segment_everything gave it.
            action: "new" makes a region; "add" and "remove" change the region that was marked last.
            session: what open_picture returned.
        Returns:
            the region: number, name, area, box_xyxy, rle.
        """
        with errors_as_sentences():
            workspace = self.callers.workspace(session, request)
            index = whole(number, "number")
            marked = workspace.change_regions(lambda s: marks.take_segment(self.services, s, index, _action(action)))
            return self.callers.told(selected_region(marked), request)

    def load_masks(self, request: gr.Request, file: str | None, session: str = "") -> Any:
        """Make regions of the masks in a file.

        Parameters:
            file: a black and white or transparent picture, a label map (one region for each value), COCO JSON, or
                labelme JSON; JSON that names its pictures must name the one that is open.
            session: what open_picture returned.
        Returns:
            all regions: of each number, name, area, box_xyxy, rle.
        """
        with errors_as_sentences():
            workspace = self.callers.workspace(session, request)
            data = Path(uploaded(file)).read_bytes()
            picture = required_picture(workspace.session)
            with picture_turn(self.services, workspace.person, picture.width * picture.height):
                loaded = workspace.change_regions(lambda s: regions.load_masks(s, data, note_as_toast))
            return self.callers.told([region_result(region) for region in loaded.regions], request)

    def delete_region(self, request: gr.Request, number: int, session: str = "") -> Any:
        """Delete a region; what was said about it stays.

        Parameters:
            number: the region's number.
            session: what open_picture returned.
        Returns:
            the regions that are left: of each number, name, area, box_xyxy, rle.
        """
        with errors_as_sentences():
            workspace = self.callers.workspace(session, request)
            which = whole(number, "number")
            changed = workspace.change_regions(lambda s: regions.delete_region(s, which))
            return self.callers.told([region_result(region) for region in changed.regions], request)

    def _refined(self, workspace: Workspace, drawn: Session, refine: bool | None) -> dict[str, Any]:
        """The drawn region, refined if asked for. Raises InputError, and leaves the mark, if no outline fits."""
        if not switch(refine, "refine"):
            return selected_region(drawn)
        change = lambda s: marks.refine_mark(self.services, s) if s.regions is drawn.regions else s  # noqa: E731
        return selected_region(workspace.change_regions(change))


def _action(action: str | None) -> Action:
    return cast(Action, words(action, "action") or "new")  # `marks` refuses any other word
