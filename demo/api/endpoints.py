"""Named endpoints for programs (gradio_client), and the same as tools over MCP: the page's handlers, plain values.

Each client has a Session of its own, as each browser tab does; `session` names one that several calls share. Errors
reach the caller as one sentence. What the functions inside `add_endpoints` say of themselves is what callers read.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import gradio as gr
from gradio import utils

from demo.api.caller_identity import Callers
from demo.i18n.catalog import text
from demo.jobs import analyses
from demo.session import handlers, record
from demo.session.handlers import Action, Decode, Services, Style
from demo.session.session import Region, Session
from demo.session.workspace import Workspace
from demo.shared import queues
from demo.shared.problems import sentence_of
from demo.shared.queues import queued
from osprey_core.errors import OspreyError
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions import masks
from osprey_core.regions.rle import CodedMask

log = logging.getLogger(__name__)


def add_endpoints(app: gr.Blocks, services: Services, decode: Decode) -> None:
    """Add the endpoints to the Blocks that is being built; nothing of them is visible."""
    callers = Callers(app, services.workspaces)
    with gr.Group(visible=False):
        trigger = gr.Button()  # never pressed: an endpoint needs some event to belong to
        file = gr.File(label="file", type="filepath")
        address = gr.Textbox("", label="address")
        x, y = gr.Number(label="x"), gr.Number(label="y")
        box = of_type(gr.JSON(label="box_xyxy"), _NUMBERS)
        points = of_type(gr.JSON(label="points_xy"), {"type": "array", "items": _NUMBERS})
        radius = gr.Number(8, label="radius")
        action = gr.Textbox("new", label="action")
        refine = gr.Checkbox(False, label="refine")
        style = gr.Textbox("short", label="style")
        number = gr.Number(label="number", precision=0)
        question = gr.Textbox(label="question")
        temperature, top_p = gr.Number(0.0, label="temperature"), gr.Number(1.0, label="top_p")
        longest, seed = gr.Number(1024, label="max_new_tokens", precision=0), gr.Number(None, label="seed", precision=0)
        session = gr.Textbox("", label="session")
        archive = gr.File(label="zip")
        result, answer = gr.JSON(label="result"), gr.Textbox(label="answer")

    def open_picture(request: gr.Request, file: str | None = None, address: str = "", session: str = "") -> Any:
        """Open a picture (or a conversation saved by `export`), to mark things in it and to ask about them.

        Parameters:
            file: PNG, JPEG, WebP and others, or the zip of a saved conversation.
            address: in place of a file, the public http or https address of a picture.
            session: empty for a new one; another call's session to open the picture there instead of what is open.
        Returns:
            session, to be given to all other calls; width and height in pixels.
        """
        with one_sentence():
            if not file and not address:
                raise OspreyError("page.upload_missing")
            workspace = callers.workspace_to_open(session, request)
            if file:
                opened = record.open_file(workspace.session, Path(file).read_bytes(), Path(file).name)
            else:
                opened = handlers.open_address(services, workspace.session, address)
            handlers.stop(services, workspace)
            workspace.change(lambda _: opened)
            services.workspaces.keep(workspace)
            assert opened.picture is not None
            found = {"session": workspace.key, "width": opened.picture.width, "height": opened.picture.height}
            return callers.told(found, request)

    def segment_point(request: gr.Request, x: float, y: float, action: str = "new", session: str = "") -> Any:
        """Mark the thing at a point of the picture. What is marked is a region, which questions call @1, @2 and so on.

        Parameters:
            x: pixels from the left edge of the picture.
            y: pixels from its upper edge.
            action: "new" makes a region; "add" and "remove" change the region that was marked last.
            session: what open_picture returned.
        Returns:
            the region: number, name, area in pixels, box_xyxy (left, top, right, bottom), rle (the mask as COCO RLE).
        """
        with one_sentence():
            workspace = callers.workspace(session, request)
            marked = workspace.change_regions(lambda s: handlers.mark_point(services, s, x, y, _action(action)))
            return callers.told(_selected(marked), request)

    def segment_box(request: gr.Request, box_xyxy: Any, action: str = "new", session: str = "") -> Any:
        """Mark the thing that a box frames.

        Parameters:
            box_xyxy: left, top, right, bottom in pixels of the picture.
            action: "new" makes a region; "add" and "remove" change the region that was marked last.
            session: what open_picture returned.
        Returns:
            the region: number, name, area, box_xyxy, rle.
        """
        with one_sentence():
            workspace = callers.workspace(session, request)
            box = listed(box_xyxy)
            marked = workspace.change_regions(lambda s: handlers.mark_box(services, s, box, _action(action)))
            return callers.told(_selected(marked), request)

    def refined(workspace: Workspace, drawn: Session, refine: bool | None) -> dict[str, Any]:
        """What was drawn, or the outline in its place; if none fits, the mark stays and the caller is told."""
        if not refine:
            return _selected(drawn)
        change = lambda s: handlers.refine_mark(services, s) if s.regions is drawn.regions else s  # noqa: E731
        return _selected(workspace.change_regions(change))

    def segment_brush(
        request: gr.Request, points_xy: Any, radius: float, action: str = "new", refine: bool = False, session: str = ""
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
        with one_sentence():
            workspace = callers.workspace(session, request)
            stroke = listed(points_xy)
            drawn = workspace.change_regions(lambda s: handlers.mark_brush(s, stroke, radius, _action(action)))
            return callers.told(refined(workspace, drawn, refine), request)

    def segment_polygon(
        request: gr.Request, points_xy: Any, action: str = "new", refine: bool = False, session: str = ""
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
        with one_sentence():
            workspace = callers.workspace(session, request)
            corners = listed(points_xy)
            drawn = workspace.change_regions(lambda s: handlers.mark_polygon(s, corners, _action(action)))
            return callers.told(refined(workspace, drawn, refine), request)

    def segment_everything(request: gr.Request, session: str = "") -> Any:
        """Find all that stands out in the picture, largest first; nothing becomes a region by this.

        Parameters:
            session: what open_picture returned.
        Returns:
            of each find: index (for take_segment), score from 0 to 1, area, box_xyxy, rle.
        """
        with one_sentence():
            found = handlers.find_everything(services, callers.workspace(session, request).session)
            segments = [
                {"index": index, "score": segment.score, **_measured(segment.mask)}
                for index, segment in enumerate(found)
            ]
            return callers.told(segments, request)

    def take_segment(request: gr.Request, number: int, action: str = "new", session: str = "") -> Any:
        """Make a region of one find of segment_everything.

        Parameters:
            number: the index that segment_everything gave it.
            action: "new" makes a region; "add" and "remove" change the region that was marked last.
            session: what open_picture returned.
        Returns:
            the region: number, name, area, box_xyxy, rle.
        """
        with one_sentence():
            workspace = callers.workspace(session, request)
            index = int(number or 0)
            marked = workspace.change_regions(lambda s: handlers.take_segment(services, s, index, _action(action)))
            return callers.told(_selected(marked), request)

    def load_masks(request: gr.Request, file: str | None, session: str = "") -> Any:
        """Make regions of the masks in a file.

        Parameters:
            file: a black and white or transparent picture, COCO JSON, or labelme JSON.
            session: what open_picture returned.
        Returns:
            all regions: of each number, name, area, box_xyxy, rle.
        """
        with one_sentence():
            workspace = callers.workspace(session, request)
            if not file:
                raise OspreyError("page.upload_missing")
            data = Path(file).read_bytes()
            loaded = workspace.change_regions(lambda s: handlers.load_masks(s, data))
            return callers.told([_described(region) for region in loaded.regions], request)

    def describe_everything(request: gr.Request, style: str = "short", session: str = "") -> Iterator[Any]:
        """Describe all that stands out in the picture.

        Parameters:
            style: "short", "detailed" or "category".
            session: what open_picture returned.
        Returns:
            of each find: index (as of segment_everything) and caption.
        """
        with one_sentence():
            workspace = callers.workspace(session, request)
            for now in handlers.describe_everything(
                services, workspace, _style(style), SamplingSettings(max_new_tokens=1024), decode
            ):
                rows = now.captions.rows if now.captions else ()
                found = [{"index": index, "caption": caption} for index, caption in sorted(rows)]
                yield callers.told(found, request)

    def delete_region(request: gr.Request, number: int, session: str = "") -> Any:
        """Delete a region; what was said about it stays.

        Parameters:
            number: the region's number.
            session: what open_picture returned.
        Returns:
            the regions that are left: of each number, name, area, box_xyxy, rle.
        """
        with one_sentence():
            workspace = callers.workspace(session, request)
            left = workspace.change_regions(lambda s: handlers.delete_region(s, int(number or 0)))
            return callers.told([_described(region) for region in left.regions], request)

    def ask(
        request: gr.Request,
        question: str,
        temperature: float = 0.0,
        top_p: float = 1.0,
        max_new_tokens: int = 1024,
        seed: int | None = None,
        session: str = "",
    ) -> Iterator[str]:
        """Ask the model about regions, by their numbers (“What is @1?”, “How do @1 and @2 relate?”).

        A question without a number is about the region that was marked last. Earlier questions are remembered.

        Parameters:
            question: in plain words.
            temperature: 0 for the likeliest answer, up to 2 for variety.
            top_p: keep to the likeliest words that make up this share, above 0 and up to 1.
            max_new_tokens: the longest answer.
            seed: repeats an answer of a temperature above 0.
            session: what open_picture returned.
        Returns:
            the answer.
        """
        with one_sentence():
            settings = SamplingSettings.read(temperature, top_p, max_new_tokens, seed)
            workspace = callers.workspace(session, request)
            turn_id = workspace.change(lambda s: handlers.ask(s, question or "")).transcript[-1].id
            for progress in handlers.answer(services, workspace, settings, decode):
                for turn in progress.session.transcript:
                    if turn.id == turn_id:
                        yield turn.answer

    def export(request: gr.Request, session: str = "") -> str:
        """Save picture, regions and conversation as one zip: masks as PNG and COCO JSON, overlay, Markdown.

        Parameters:
            session: what open_picture returned.
        Returns:
            the zip; open_picture opens it again.
        """
        with one_sentence():
            workspace = callers.workspace(session, request)
            data, name = record.zip_of(workspace.session, services.model.name, services.segmenter.name)
            # In Gradio's own folder, from which it serves files and which it clears.
            folder = Path(utils.get_upload_folder()) / uuid.uuid4().hex
            folder.mkdir(parents=True)
            (folder / name).write_bytes(data)
            return str(folder / name)

    def clear_chat(request: gr.Request, session: str = "") -> None:
        """Forget all questions and answers; picture and regions stay.

        Parameters:
            session: what open_picture returned.
        """
        with one_sentence():
            workspace = callers.workspace(session, request)
            handlers.stop(services, workspace)
            workspace.change(handlers.clear_chat)

    def stop(request: gr.Request, session: str = "") -> None:
        """End the answer that is being written, closer looks, descriptions of everything; what is written stays.

        Parameters:
            session: what open_picture returned.
        """
        with one_sentence():
            workspace = callers.workspace(session, request)
            handlers.stop(services, workspace)
            handlers.stop_describing(services, workspace)
            analyses.stop(services, workspace)

    for fn, inputs, output, queue in (
        (open_picture, [file, address], result, queues.OPENING),
        (segment_point, [x, y, action], result, queues.SEGMENTER),
        (segment_box, [box, action], result, queues.SEGMENTER),
        (segment_brush, [points, radius, action, refine], result, queues.EDITS),
        (segment_polygon, [points, action, refine], result, queues.EDITS),
        (segment_everything, [], result, queues.SEGMENTER),
        (take_segment, [number, action], result, queues.SEGMENTER),
        (load_masks, [file], result, queues.EDITS),
        (describe_everything, [style], result, queues.MODEL),
        (delete_region, [number], result, queues.EDITS),
        (ask, [question, temperature, top_p, longest, seed], answer, queues.MODEL),
        (export, [], archive, queues.OPENING),
        (clear_chat, [], None, queues.AT_ONCE),
        (stop, [], None, queues.AT_ONCE),
    ):
        trigger.click(fn, [*inputs, session], output, api_name=fn.__name__, **queued(queue))


_NUMBERS = {"type": "array", "items": {"type": "number"}}


def of_type(component: gr.JSON, schema: dict[str, Any]) -> gr.JSON:
    """The component, said to take values of this JSON schema: a tool's description must tell what it takes."""
    # On the instance: for a class derived from a component, Gradio writes a stub file next to the source.
    component.api_info = lambda: schema  # type: ignore[method-assign]
    return component


def _action(action: str | None) -> Action:
    return cast(Action, action or "new")  # the handlers refuse what is none


def _style(style: str | None) -> Style:
    return cast(Style, style or "short")


def listed(value: Any) -> list[Any]:
    """A list that came from outside; anything else becomes an empty one."""
    return value if isinstance(value, list) else []


def described(number: int, name: str, mask: CodedMask) -> dict[str, Any]:
    """A region as callers read it."""
    return {"number": number, "name": name, **_measured(mask)}


def _described(region: Region) -> dict[str, Any]:
    return described(region.number, region.name, region.mask)


def _measured(stored: CodedMask) -> dict[str, Any]:
    return {"area": stored.area, "box_xyxy": list(masks.box_xyxy(stored.mask())), "rle": stored.rle()}


def _selected(session: Session) -> dict[str, Any]:
    region = session.region(session.selected)
    return _described(region) if region is not None else {}


class one_sentence:  # noqa: N801 - reads as a statement: with one_sentence():
    """Errors inside `with` become a gr.Error with one sentence, which the client raises."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, gr.Error):
            return
        if (sentence := sentence_of(error)) is not None:
            raise gr.Error(sentence, print_exception=False) from error
        if isinstance(error, Exception):
            log.error("unexpected error in an endpoint", exc_info=error)
            raise gr.Error(text("page.unexpected"), print_exception=False) from error
