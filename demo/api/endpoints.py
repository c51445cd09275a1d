"""The table of endpoints for programs: named endpoints (gradio_client) that are also tools over MCP.

Each client has its own Session, as each browser tab does; `session` names one that several calls share. Errors reach
the caller as one sentence. Callers read the docstrings of the functions in the `…_endpoints` modules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.api.analysis_endpoints import AnalysisEndpoints
from demo.api.caller_identity import Callers
from demo.api.conversation_endpoints import ConversationEndpoints
from demo.api.picture_endpoints import PictureEndpoints
from demo.api.region_endpoints import RegionEndpoints
from demo.find.search import DEFAULT_THRESHOLD
from demo.jobs.decoding import Decode
from demo.session.services import Services
from demo.shared import queues
from demo.shared.queues import Queue, queued

_NUMBERS = {"type": "array", "items": {"type": "number"}}
_TEXTS = {"type": "array", "items": {"type": "string"}}


@dataclass(frozen=True)
class Endpoint:
    """One endpoint, under the name of its function."""

    function: Callable[..., Any]
    """Takes Gradio's request, then the inputs in order, the session last; callers read its docstring."""
    inputs: tuple[str, ...]
    """Names of components, see `build_components`; `session` is added to every endpoint."""
    output: str | None
    """Name of the component that holds the returned value; None if nothing is returned."""
    queue: Queue


def add_endpoints(app: gr.Blocks, services: Services, decode: Decode) -> None:
    """Add all endpoints, invisibly, to the Blocks that is being built."""
    with gr.Group(visible=False):
        trigger = gr.Button()  # never pressed: Gradio attaches an endpoint to an event
        components = build_components()
    for endpoint in endpoints(services, Callers(app, services.workspaces), decode):
        trigger.click(
            endpoint.function,
            [components[name] for name in (*endpoint.inputs, "session")],
            components[endpoint.output] if endpoint.output is not None else None,
            api_name=endpoint.function.__name__,
            **queued(endpoint.queue),
        )


def endpoints(services: Services, callers: Callers, decode: Decode) -> tuple[Endpoint, ...]:
    """The table of all endpoints."""
    pictures, regions = PictureEndpoints(services, callers), RegionEndpoints(services, callers)
    conversation = ConversationEndpoints(services, callers, decode)
    analyses = AnalysisEndpoints(services, callers, decode)
    sampling = ("top_p", "max_new_tokens", "seed")
    asking = ("question", "temperature", *sampling)
    return (
        Endpoint(pictures.open_picture, ("file", "address"), "result", queues.OPENING),
        Endpoint(regions.segment_point, ("x", "y", "action"), "result", queues.SEGMENTER),
        Endpoint(regions.segment_box, ("box_xyxy", "action"), "result", queues.SEGMENTER),
        Endpoint(regions.segment_brush, ("points_xy", "radius", "action", "refine"), "result", queues.EDITS),
        Endpoint(regions.segment_polygon, ("points_xy", "action", "refine"), "result", queues.EDITS),
        Endpoint(regions.segment_everything, (), "result", queues.HEAVY),
        Endpoint(regions.take_segment, ("number", "action"), "result", queues.SEGMENTER),
        Endpoint(regions.load_masks, ("file",), "result", queues.HEAVY),
        Endpoint(conversation.describe_everything, ("style",), "result", queues.MODEL),
        Endpoint(regions.delete_region, ("number",), "result", queues.EDITS),
        Endpoint(conversation.ask, asking, "answer", queues.MODEL),
        Endpoint(conversation.last_answer, (), "result", queues.AT_ONCE),
        Endpoint(pictures.export, (), "zip", queues.HEAVY),
        Endpoint(conversation.clear_chat, (), None, queues.AT_ONCE),
        Endpoint(conversation.stop, (), None, queues.AT_ONCE),
        Endpoint(analyses.find, ("phrase", "threshold"), "result", queues.MODEL),
        Endpoint(analyses.judge, ("labels", "regions", "rank_by"), "result", queues.MODEL),
        Endpoint(analyses.ablation, asking, "result", queues.MODEL),
        Endpoint(analyses.samples, ("question", "count", "sample_temperature", *sampling), "result", queues.MODEL),
        Endpoint(analyses.compare_models, asking, "result", queues.MODEL),
        Endpoint(analyses.similarity, ("number",), "result", queues.MODEL),
    )


def build_components() -> dict[str, gr.components.Component]:
    """Components for the inputs and outputs of endpoints, by name. Callers read their labels."""
    components: dict[str, gr.components.Component] = {
        "file": gr.File(label="file", type="filepath"),
        "address": gr.Textbox("", label="address"),
        "x": gr.Number(label="x"),
        "y": gr.Number(label="y"),
        "box_xyxy": _of_type(gr.JSON(label="box_xyxy"), _NUMBERS),
        "points_xy": _of_type(gr.JSON(label="points_xy"), {"type": "array", "items": _NUMBERS}),
        "radius": gr.Number(8, label="radius"),
        "action": gr.Textbox("new", label="action"),
        "refine": gr.Checkbox(False, label="refine"),
        "style": gr.Textbox("short", label="style"),
        "number": gr.Number(label="number", precision=0),
        "question": gr.Textbox(label="question"),
        "temperature": gr.Number(0.0, label="temperature"),
        "sample_temperature": gr.Number(0.8, label="temperature"),
        "top_p": gr.Number(1.0, label="top_p"),
        "max_new_tokens": gr.Number(1024, label="max_new_tokens", precision=0),
        "seed": gr.Number(None, label="seed", precision=0),
        "phrase": gr.Textbox(label="phrase"),
        "threshold": gr.Number(DEFAULT_THRESHOLD, label="threshold"),
        "labels": _of_type(gr.JSON(label="labels"), _TEXTS),
        "regions": gr.Textbox("all", label="regions"),
        "rank_by": gr.Textbox("sum", label="rank_by"),
        "count": gr.Number(4, label="count", precision=0),
        "session": gr.Textbox("", label="session"),
        "zip": gr.File(label="zip"),
        "result": gr.JSON(label="result"),
        "answer": gr.Textbox(label="answer"),
    }
    for component in components.values():
        if isinstance(component, gr.Number | gr.Textbox | gr.Checkbox):
            # On the instance, as in `_of_type`: the endpoints check what was sent, see `checked_inputs`.
            component.preprocess = lambda payload: payload  # type: ignore[method-assign]
    return components


def _of_type(component: gr.JSON, schema: dict[str, Any]) -> gr.JSON:
    """The component with this JSON schema for its values, which appears in the tool's description."""
    # On the instance: for a class derived from a component, Gradio writes a stub file next to the source.
    component.api_info = lambda: schema  # type: ignore[method-assign]
    return component
