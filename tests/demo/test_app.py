"""The page as it is put together: in which queues its events wait, and that its own are no endpoints."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from demo.app import build_app
from demo.options import Options
from tests import fakes


def test_opening_and_painting_do_not_queue_behind_the_segmenter(app: gr.Blocks) -> None:
    queues = {
        name: each.concurrency_id
        for each in app.fns.values()
        for _, name in each.targets
        if name in ("open_picture", "segment_point", "segment_box", "segment_brush", "edit_regions")
    }
    assert queues["segment_point"] == queues["segment_box"]
    assert queues["open_picture"] not in (queues["segment_point"], queues["segment_brush"])
    assert queues["segment_brush"] != queues["segment_point"]
    assert queues["edit_regions"] != queues["segment_point"]


def test_no_event_of_the_page_takes_the_name_of_an_endpoint(app: gr.Blocks) -> None:
    endpoints = [each for each in app.fns.values() if each.api_visibility == "public"]
    assert {each.api_name for each in endpoints} >= {
        "open_picture",
        "segment_everything",
        "take_segment",
        "find",
        "ask",
        "stop",
    }
    assert [each.api_name for each in endpoints] == [each.name for each in endpoints]


def visible(app: gr.Blocks) -> dict[str, bool]:
    """Of each component with an id, whether it is shown at first, with all that it stands in."""
    shown: dict[str, bool] = {}

    def walk(block: gr.blocks.Block, is_shown: bool) -> None:
        is_shown = is_shown and getattr(block, "visible", True) is not False
        if name := getattr(block, "elem_id", None):
            shown[name] = is_shown
        for child in getattr(block, "children", ()):
            walk(child, is_shown)

    walk(app, True)
    return shown


def test_a_model_that_reads_no_questions_is_offered_none(model: fakes.FakeModel, example_folder: Path) -> None:
    osprey, labels = (
        visible(build_app(model, fakes.FakeSegmenter(), Options(model=name), example_folder))
        for name in ("nano", "labels:coco")
    )
    asking = {"question", "send", "settings", "own-questions", "closer", "preset-short", "preset-detailed"}
    asking |= {"preset-around", "preset-relation", "preset-compare"}
    assert all(osprey[name] for name in asking)
    assert not any(labels[name] for name in asking)
    assert {name for name in osprey if osprey[name] and not labels[name]} - asking <= {"ask-row", "stop"}
    assert labels["preset-category"]
    assert labels["chatbot"]
