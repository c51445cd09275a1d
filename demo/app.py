"""Build the page: combine the panels, and wire their events with the updates they cause in other panels.

Creates no component but the columns.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import gradio as gr

from demo.analysis.events import analysis_outputs, wire_analysis
from demo.analysis.panel import build_analysis
from demo.api import session_states
from demo.api.caller_identity import caller_address
from demo.api.checked_inputs import CheckedPage
from demo.api.endpoints import add_endpoints
from demo.canvas.events import scene_outputs, wire_canvas
from demo.canvas.panel import build_canvas
from demo.canvas.picture_events import wire_pictures
from demo.chat.events import wire_chat
from demo.chat.panel import build_chat
from demo.chat.updates import about_outputs, conversation_outputs, preset_outputs, turns_outputs
from demo.everything.events import wire_everything
from demo.everything.panel import build_everything, caption_outputs
from demo.find.events import wire_find
from demo.find.panel import build_find, find_outputs
from demo.header.events import wire_languages, wire_status
from demo.header.panel import build_header, header_outputs
from demo.i18n.catalog import text
from demo.jobs.decoding import Decode, decode
from demo.keeping.events import PageUpdates, wire_keeping
from demo.keeping.panel import build_keeping
from demo.options import Options
from demo.session.examples import find_examples
from demo.session.model_defaults import generation_defaults
from demo.session.picture_cache import PictureCache
from demo.session.services import MOST_BEGUN, PIXELS_IN_FLIGHT, Services
from demo.session.workspace import Workspace
from demo.session.workspace_store import WorkspaceStore
from demo.shared.lazy_resource import LazyResource
from demo.shared.turns import Turns
from osprey_core.io.web_fetch import fetch
from osprey_core.region_model import is_label_model

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
FEWEST_CACHE_BYTES = 64 * 2**20
"""Bytes of decoded pictures that are kept even where the models may keep nothing."""


def build_app(
    model: LazyResource[Any] | Any,
    segmenter: LazyResource[Any] | Any,
    options: Options,
    examples: Path = EXAMPLES,
    decode: Decode = decode,
    second: LazyResource[Any] | None = None,
    clip: LazyResource[Any] | None = None,
) -> CheckedPage:
    """The whole page. Model and segmenter are resources that may still be loading, or loaded objects.

    second: another model to compare the first with, if one was configured.
    clip: a CLIP that compares regions with words, if one was configured.
    """
    picture_turns = Turns(PIXELS_IN_FLIGHT)
    services = Services(
        model=_lazy(model),
        segmenter=_lazy(segmenter),
        second=second,
        clip=clip,
        examples=find_examples(examples),
        fetch=fetch if options.addresses else None,
        workspaces=WorkspaceStore(caller_address=caller_address),
        pictures=PictureCache(max(options.cache_mb * 2**20, FEWEST_CACHE_BYTES), picture_turns),
        picture_turns=picture_turns,
        # ZeroGPU lends a GPU for a bounded time, which must not pass while others have their turn.
        model_turns=Turns(slice_seconds=math.inf if options.zero_gpu else 0.5, most_begun=MOST_BEGUN),
        answers_together=1 if options.zero_gpu else options.answers_together or None,
        queue_length=options.queue_length,
        answer_seconds=options.answer_seconds or math.inf,
    )
    title = text("header.title")
    with CheckedPage(title=title, analytics_enabled=False, fill_height=True, delete_cache=(3600, 7200)) as page:
        _put_together(page, services, options, decode)
    page.services, page.decode = services, decode
    services.workspaces.is_open = lambda workspace: session_states.is_open(page, workspace)
    return page


def _put_together(page: CheckedPage, services: Services, options: Options, decode: Decode) -> None:
    """Make the components and wire them; events that update all components with words are wired last."""
    is_embedded = options.is_embedded
    takes_questions = not is_label_model(options.model)  # known before the model is loaded
    workspace = gr.State(Workspace(), time_to_live=7200)
    header = build_header(services, is_embedded)
    with gr.Row(elem_id="columns", scale=1):
        with gr.Column(elem_id="canvas-side"):
            canvas = build_canvas(services.examples, services.fetch is not None)
            find = build_find()
        with gr.Column(elem_id="chat-side"):
            everything = build_everything(services, takes_questions)
            chat = build_chat(generation_defaults(services, is_embedded), takes_questions)
    analysis = build_analysis(services, takes_questions)
    keeper = build_keeping()

    settings = chat.settings.components
    captions, about = caption_outputs(everything), about_outputs(services, chat)
    follow_regions = about + preset_outputs(chat)
    wire_canvas(services, workspace, canvas, follow_regions + conversation_outputs(chat))
    found = find_outputs(find)
    wire_find(services, workspace, find, found, scene_outputs(canvas) + follow_regions, decode)
    wire_everything(services, workspace, everything, settings, scene_outputs(canvas) + follow_regions, decode)
    wire_analysis(services, workspace, analysis, settings, decode)
    wire_chat(services, workspace, chat, decode, scene_outputs(canvas) + about)
    wire_status(services, header, chat.settings.defaults, is_embedded)

    add_endpoints(page, services, decode)
    spoken = header_outputs(services, header, is_embedded) + about + turns_outputs(chat) + captions + found
    wire_languages(page, workspace, header, spoken)
    others = captions + found + analysis_outputs(services, analysis) + follow_regions + conversation_outputs(chat)
    pictures = wire_pictures(services, workspace, canvas, others)
    shown = PageUpdates([canvas, *others.components], pictures.show, pictures.unchanged)
    wire_keeping(page, services, workspace, keeper, shown)


def _lazy(value: LazyResource[Any] | Any) -> LazyResource[Any]:
    """The value itself if it is a resource, otherwise wrapped as a resource that is ready."""
    return value if isinstance(value, LazyResource) else LazyResource.of(value, getattr(value, "name", ""))
