"""A gr.HTML component with its own script, used by several panels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from demo.shared.scripts import script
from osprey_core.regions.colors import PALETTE


def scripted(
    elem_id: str, entry: str, events: Sequence[str] = (), value: str | None = None, **properties: Any
) -> gr.HTML:
    """The component.

    entry: path of its script below `demo/`.
    events: names of the events that the script triggers, which become methods of the component.
    properties: the initial properties of the script.
    """
    return gr.HTML(
        value,
        elem_id=elem_id,
        js_on_load=script(entry, events),
        apply_default_css=False,
        colors=len(PALETTE),
        **properties,
    )
