"""The search field: its component, and a search as JSON for its script, which has the canvas light the finds."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.find.search import KIND, FoundSegments, found_in, searched_masks
from demo.i18n.switching import in_words
from demo.session.session import Session
from demo.shared.mask_payload import shown_mask
from demo.shared.outputs import Outputs
from demo.shared.scripts import script, text_of

EVENTS = ("search", "stop_search", "take_found")


def build_find() -> gr.HTML:
    """The field, hidden until there is a picture; it triggers `EVENTS`."""
    panel = gr.HTML(
        None,
        elem_id="find",
        html_template='<section class="osp-find" hidden></section>',
        css_template=text_of("find/find.css"),
        js_on_load=script("find/find.js", EVENTS),
        apply_default_css=False,
        found=None,
    )
    return in_words(panel, words="search")


def found_of(session: Session) -> dict[str, Any]:
    """The session's last search as JSON for the field; empty without one."""
    analysis, found = session.analysis(KIND), found_in(session)
    if analysis is None or session.picture is None:
        return {}
    return {
        "id": analysis.id,
        "picture": session.picture.digest,
        "state": analysis.state,
        "phrase": analysis.question,
        "steps": [[threshold, list(indices)] for threshold, indices in found.steps] if found else [],
        "items": _items_of(session, found) if found else [],
    }


def find_outputs(find: gr.HTML) -> Outputs[Session]:
    """The field with the session's last search."""
    return Outputs((find,), lambda session: [{"found": found_of(session)}])


def _items_of(session: Session, found: FoundSegments) -> list[dict[str, Any]]:
    """The masks of all segments that are found at some threshold."""
    masks = searched_masks(session)
    indices = sorted({index for _, step in found.steps for index in step})
    return [{"index": index, **shown_mask(masks[index])} for index in indices]
