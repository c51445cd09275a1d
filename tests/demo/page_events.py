"""The page's events called as Gradio calls them, but without a server: nothing waits, nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from demo.session.workspace import Workspace


def handler(app: gr.Blocks, elem_id: str, event: str) -> Callable[..., Any]:
    """What the page calls when this event comes from the component with this id."""
    found: Callable[..., Any] = _function(app, elem_id, event).fn
    return found


def handler_after(app: gr.Blocks, elem_id: str, event: str) -> Callable[..., Any]:
    """What the page calls when that is done."""
    first = _function(app, elem_id, event)
    (after,) = [each for each in app.fns.values() if each.trigger_after == first._id]
    assert after.fn is not None
    return after.fn


def _function(app: gr.Blocks, elem_id: str, event: str) -> Any:
    (block_id,) = [block._id for block in app.blocks.values() if getattr(block, "elem_id", None) == elem_id]
    (function,) = [each for each in app.fns.values() if (block_id, event) in each.targets]
    return function


def gesture(app: gr.Blocks, workspace: Workspace, event: str, **values: Any) -> list[Any]:
    """The canvas's answer to one gesture."""
    updates: list[Any] = handler(app, "canvas", event)(workspace, values)
    return updates


def click(app: gr.Blocks, workspace: Workspace, seq: int, x: float, y: float, picture: str | None = None) -> list[Any]:
    """The canvas's answer to a click that makes a new region; without `picture` it is made on the one in front."""
    meant = picture or digest(workspace)
    return gesture(app, workspace, "segment_point", seq=seq, picture=meant, x=x, y=y, action="new")


def ask(app: gr.Blocks, workspace: Workspace, question: str) -> list[Any]:
    """A question typed and sent; the answer is still to be written."""
    updates: list[Any] = handler(app, "send", "click")(workspace, question)
    return updates


def write_answer(app: gr.Blocks, workspace: Workspace) -> list[Any]:
    """The last update while the answer is written."""
    *_, last = handler_after(app, "send", "click")(workspace, 0.0, 1.0, 64, "")
    return list(last)


def digest(workspace: Workspace) -> str | None:
    """Of the picture in front."""
    picture = workspace.session.picture
    return picture.digest if picture else None


def scene(outputs: list[Any]) -> dict[str, Any]:
    """What the canvas is told about the regions, as it goes through JSON."""
    return dict(json.loads(json.dumps(outputs[0]["scene"])))
