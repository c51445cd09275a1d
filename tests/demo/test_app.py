"""The page as it is put together: in which queues its events wait, and that its own are no endpoints."""

from __future__ import annotations

import gradio as gr


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
