"""Named endpoints for programs (gradio_client): the same handlers as the page, with plain inputs and outputs.

Each client has a Session of its own, as each browser tab does. Errors reach the caller as one sentence.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import utils

from demo import handlers, keeping, words
from demo.handlers import Decode, Services, Settings
from demo.problems import sentence_of
from demo.session import PageRegion, Seat, Session
from osprey_core import masks
from osprey_core.errors import OspreyError
from osprey_core.masks import CodedMask

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Queues:
    """Names of the queues in which events wait; those of one name share it, page and endpoints alike."""

    model: str = "model"
    """Events that use the model: one answer is written at a time."""
    segmenter: str = "pictures"
    """Events that segment; a few at a time."""
    opening: str = "opening"
    """Events that decode a new picture; a segmenter at work does not keep them waiting."""
    edits: str = "edits"
    """Brush strokes and changes of the list of regions: quick, whatever the segmenter does."""


def add_endpoints(services: Services, seat: gr.State, decode: Decode, queues: Queues) -> None:
    """Add the endpoints to the Blocks that is being built; nothing of them is visible."""
    with gr.Group(visible=False):
        trigger = gr.Button()  # never pressed: an endpoint needs some event to belong to
        file = gr.File(label="file", type="filepath")
        x, y = gr.Number(label="x"), gr.Number(label="y")
        box = gr.JSON(label="box_xyxy")
        strokes, radius = gr.JSON(label="points_xy"), gr.Number(label="radius")
        action = gr.Textbox("new", label="action")
        refine = gr.Checkbox(False, label="refine")
        style = gr.Textbox("short", label="style")
        number = gr.Number(label="number", precision=0)
        question = gr.Textbox(label="question")
        temperature, top_p = gr.Number(0.0, label="temperature"), gr.Number(1.0, label="top_p")
        longest, seed = gr.Number(1024, label="max_new_tokens"), gr.Number(None, label="seed")
        archive = gr.File(label="zip")
        result, answer = gr.JSON(label="result"), gr.Textbox(label="answer")

    def open_picture(seat: Seat, file: str | None) -> dict[str, Any]:
        with _one_sentence():
            if not file:
                raise OspreyError(words.UPLOAD_MISSING)
            session = keeping.open_file(seat.session, Path(file).read_bytes(), Path(file).name)
            handlers.stop(services, seat)
            seat.change(lambda _: session)
            assert session.picture is not None
            return {"width": session.picture.width, "height": session.picture.height}

    def segment_point(seat: Seat, x: float, y: float, action: Any) -> dict[str, Any]:
        with _one_sentence():
            return _selected(seat.change_regions(lambda s: handlers.mark_point(services, s, x, y, action or "new")))

    def segment_box(seat: Seat, box_xyxy: Any, action: Any) -> dict[str, Any]:
        with _one_sentence():
            box = box_xyxy if isinstance(box_xyxy, list) else ()
            return _selected(seat.change_regions(lambda s: handlers.mark_box(services, s, box, action or "new")))

    def refined(seat: Seat, drawn: Session, refine: Any) -> dict[str, Any]:
        """What was drawn, or the outline in its place; if none fits, the mark stays and the caller is told."""
        if not refine:
            return _selected(drawn)
        change = lambda s: handlers.refine_mark(services, s) if s.regions is drawn.regions else s  # noqa: E731
        return _selected(seat.change_regions(change))

    def segment_brush(seat: Seat, points_xy: Any, radius: float, action: Any, refine: Any) -> dict[str, Any]:
        with _one_sentence():
            points = points_xy if isinstance(points_xy, list) else ()
            drawn = seat.change_regions(lambda s: handlers.mark_brush(s, points, radius, action or "new"))
            return refined(seat, drawn, refine)

    def segment_polygon(seat: Seat, points_xy: Any, action: Any, refine: Any) -> dict[str, Any]:
        with _one_sentence():
            points = points_xy if isinstance(points_xy, list) else ()
            drawn = seat.change_regions(lambda s: handlers.mark_polygon(s, points, action or "new"))
            return refined(seat, drawn, refine)

    def segment_everything(seat: Seat) -> list[dict[str, Any]]:
        with _one_sentence():
            found = handlers.find_everything(services, seat.session)
            return [
                {"index": index, "score": segment.score, **_measured(segment.mask)}
                for index, segment in enumerate(found)
            ]

    def take_segment(seat: Seat, number: int, action: Any) -> dict[str, Any]:
        with _one_sentence():
            index = int(number or 0)
            change = lambda s: handlers.take_segment(services, s, index, action or "new")  # noqa: E731
            return _selected(seat.change_regions(change))

    def load_masks(seat: Seat, file: str | None) -> list[dict[str, Any]]:
        with _one_sentence():
            if not file:
                raise OspreyError(words.UPLOAD_MISSING)
            data = Path(file).read_bytes()
            session = seat.change_regions(lambda s: handlers.load_masks(s, data))
            return [_described(region) for region in session.regions]

    def describe_everything(seat: Seat, style: Any) -> Iterator[list[dict[str, Any]]]:
        with _one_sentence():
            for session in handlers.describe_everything(services, seat, style or "short", Settings(), decode):
                rows = session.captions.rows if session.captions else ()
                yield [{"index": index, "caption": caption} for index, caption in sorted(rows)]

    def delete_region(seat: Seat, number: int) -> list[dict[str, Any]]:
        with _one_sentence():
            session = seat.change_regions(lambda s: handlers.delete_region(s, int(number or 0)))
            return [_described(region) for region in session.regions]

    def ask(seat: Seat, question: str, temperature: Any, top_p: Any, max_new_tokens: Any, seed: Any) -> Iterator[str]:
        with _one_sentence():
            settings = Settings.read(temperature, top_p, max_new_tokens, seed)
            turn_id = seat.change(lambda session: handlers.ask(session, question or "")).transcript[-1].id
            for progress in handlers.answer(services, seat, settings, decode):
                for turn in progress.session.transcript:
                    if turn.id == turn_id:
                        yield turn.answer

    def export(seat: Seat) -> str:
        with _one_sentence():
            data, name = keeping.zip_of(seat.session, services.model.name, services.segmenter.name)
            # In Gradio's own folder, from which it serves files and which it clears.
            folder = Path(utils.get_upload_folder()) / uuid.uuid4().hex
            folder.mkdir(parents=True)
            (folder / name).write_bytes(data)
            return str(folder / name)

    def clear_chat(seat: Seat) -> None:
        handlers.stop(services, seat)
        seat.change(handlers.clear_chat)

    def halt(seat: Seat) -> None:
        handlers.stop(services, seat)

    opening, marking, edits = (
        {"concurrency_id": queue, "concurrency_limit": 4} for queue in (queues.opening, queues.segmenter, queues.edits)
    )
    asking = {"concurrency_id": queues.model, "concurrency_limit": 1}
    quick: dict[str, Any] = {"concurrency_limit": None}
    for name, fn, inputs, output, extra in (
        ("open_picture", open_picture, [file], result, opening),
        ("segment_point", segment_point, [x, y, action], result, marking),
        ("segment_box", segment_box, [box, action], result, marking),
        ("segment_brush", segment_brush, [strokes, radius, action, refine], result, edits),
        ("segment_polygon", segment_polygon, [strokes, action, refine], result, edits),
        ("segment_everything", segment_everything, [], result, marking),
        ("take_segment", take_segment, [number, action], result, marking),
        ("load_masks", load_masks, [file], result, edits),
        ("describe_everything", describe_everything, [style], result, asking),
        ("delete_region", delete_region, [number], result, edits),
        ("ask", ask, [question, temperature, top_p, longest, seed], answer, asking),
        ("export", export, [], archive, opening),
        ("clear_chat", clear_chat, [], None, quick),
        ("stop", halt, [], None, quick),
    ):
        trigger.click(fn, [seat, *inputs], output, api_name=name, **extra)


def _described(region: PageRegion) -> dict[str, Any]:
    return {"number": region.number, "name": region.name, **_measured(region.mask)}


def _measured(stored: CodedMask) -> dict[str, Any]:
    return {"area": stored.area, "box_xyxy": list(masks.box_xyxy(stored.mask())), "rle": stored.rle()}


def _selected(session: Session) -> dict[str, Any]:
    region = session.region(session.selected)
    return _described(region) if region is not None else {}


class _one_sentence:  # noqa: N801 - reads as a statement: with _one_sentence():
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
            raise gr.Error(words.UNEXPECTED, print_exception=False) from error
