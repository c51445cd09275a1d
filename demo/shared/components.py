"""A gr.HTML with scripts of its own, as several panels use it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.shared.scripts import script
from osprey_core.regions.colors import PALETTE


def scripted(elem_id: str, scripts: tuple[str, ...], value: str | None = None, **properties: Any) -> gr.HTML:
    """The component; `scripts` are paths below `demo/`, and `properties` is what they are sent."""
    return gr.HTML(
        value,
        elem_id=elem_id,
        js_on_load=script(*scripts),
        apply_default_css=False,
        colors=len(PALETTE),
        **properties,
    )
