"""Events of open pictures: open one, bring one to the front, close one, and show the one in front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from demo.canvas.gestures import OpenGesture, SheetGesture, seq_of
from demo.canvas.payloads import picture_of, pictures_of, scene_of, segments_of
from demo.jobs import cancellation
from demo.jobs.preparing import prepare_picture
from demo.session import pictures, record
from demo.session.segments import segments_in
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Sheet, Workspace
from demo.shared import queues
from demo.shared.outputs import Outputs
from demo.shared.queues import private
from demo.shared.toasts import errors_as_toasts
from demo.shared.uploads import uploaded_file


def wire_pictures(
    services: Services, workspace: gr.State, canvas: gr.HTML, others: Outputs[Session]
) -> PictureHandlers:
    """Wire the gestures that bring another picture to the front. `others` are updated with it."""
    handlers = PictureHandlers(services, others)
    outputs = [canvas, *others.components]
    for event, handler in (
        (canvas.open_picture, handlers.open_picture),
        (canvas.turn_to_picture, handlers.turn_to_picture),
        (canvas.close_picture, handlers.close_picture),
    ):
        event(handler, [workspace, canvas], outputs, **private(queues.OPENING, overlapping=True))
    return handlers


@dataclass(frozen=True)
class PictureHandlers:
    """What Gradio calls for these gestures: (workspace, gesture) → updates of the canvas and of all others."""

    services: Services
    others: Outputs[Session]

    def open_picture(self, workspace: Workspace, value: Any) -> list[Any]:
        """Open an example, a web address, or an uploaded file (a picture or a saved conversation)."""
        return self._bring_to_front(workspace, value, self._open)

    def turn_to_picture(self, workspace: Workspace, value: Any) -> list[Any]:
        """Bring another open picture to the front."""
        return self._bring_to_front(workspace, value, self._turn_to)

    def close_picture(self, workspace: Workspace, value: Any) -> list[Any]:
        """Close a picture; if it was in front, its neighbour comes to the front."""
        return self._bring_to_front(workspace, value, self._close)

    def show(self, workspace: Workspace, seq: int = 0) -> list[Any]:
        """Updates that show the picture in front. `seq` is the number of the gesture that this answers."""
        self._prepare(workspace.front)
        listed = pictures_of(workspace, lambda other: self.services.pictures.get(other).image())
        sheet = workspace.front  # read as late as possible: other events may have changed it meanwhile
        shown: dict[str, Any] = {"picture": {}}  # None would not reach the page
        image, segments = self._prepare(sheet)
        if image is not None:
            shown = {"picture": picture_of(sheet, image), **segments}
        scene = scene_of(sheet.session, seq)
        return [gr.update(**shown, pictures=listed, scene=scene), *self.others.updates(sheet.session)]

    def unchanged(self) -> list[Any]:
        """Updates that leave everything as it is."""
        return [gr.skip(), *self.others.unchanged()]

    def _bring_to_front(
        self, workspace: Workspace, value: Any, prepare: Callable[[Workspace, Any], Callable[[], None]]
    ) -> list[Any]:
        """Call `prepare` for the slow work, then the quick change of the workspace that it returns; show the result."""
        done = False
        with errors_as_toasts():
            change = prepare(workspace, value)
            cancellation.change_front(self.services, workspace, change)
            self.services.workspaces.keep(workspace)
            prepare_picture(self.services, workspace.session.picture)
            done = True
        if done:
            return self.show(workspace, seq_of(value))
        # Nothing changes; the canvas only learns that its gesture has been answered.
        return [gr.update(scene=scene_of(workspace.session, seq_of(value))), *self.others.unchanged()]

    def _open(self, workspace: Workspace, value: Any) -> Callable[[], None]:
        gesture = OpenGesture.read(value)
        if gesture.example is not None:
            session = pictures.open_example(self.services, gesture.example)
        elif gesture.address is not None:
            session = pictures.open_address(self.services, gesture.address)
        else:
            path = uploaded_file(gesture.file)
            data = path.read_bytes()
            with pictures.picture_turn(self.services, workspace.person, record.file_pixels(data)):
                session = record.open_file(data, path.name)
        session = self.services.picture_files.moved(session)
        self._prepare(Sheet(0, session))
        return lambda: workspace.open(session)

    def _turn_to(self, workspace: Workspace, value: Any) -> Callable[[], None]:
        wanted = SheetGesture.read(value).sheet
        for sheet in workspace.sheets:
            if sheet.id == wanted:
                self._prepare(sheet)
        return lambda: workspace.bring_to_front(wanted)

    def _close(self, workspace: Workspace, value: Any) -> Callable[[], None]:
        wanted = SheetGesture.read(value).sheet
        return lambda: workspace.close(wanted)

    def _prepare(self, sheet: Sheet) -> tuple[NDArray[np.uint8] | None, dict[str, Any]]:
        """Decode the picture, and find its segments if it has captions; slow the first time, then cached."""
        session = sheet.session
        segments: dict[str, Any] = {}
        if session.picture is None:
            return None, segments
        image = self.services.pictures.get(session.picture).image()
        picture_of(sheet, image)
        if session.captions is not None:
            with errors_as_toasts():
                segments = {"segments": segments_of(session, segments_in(self.services, session))}
        return image, segments
