"""The picture canvas as a component: a gr.HTML with scripts of its own.

Downwards go its properties, see `payloads`; upwards comes `value`, one gesture at a time, see `gestures`.
"""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from demo.canvas.caption_spots import place_captions
from demo.canvas.gestures import EVENTS, MAX_MEGABYTES
from demo.canvas.payloads import thumbnail
from demo.i18n.catalog import group
from demo.session.examples import Example
from demo.shared.scripts import script, text_of


def build_canvas(examples: Sequence[Example], addresses: bool) -> gr.HTML:
    """The component, to be called inside a Blocks. `addresses`: whether a pasted address opens the picture there."""
    return gr.HTML(
        value=None,
        html_template='<div class="osp-root"></div>',
        css_template=text_of("canvas/canvas.css"),
        js_on_load=script("canvas/canvas.js", EVENTS),
        apply_default_css=False,
        server_functions=[place_captions],
        elem_id="canvas",
        words=group("canvas"),
        examples=[
            {
                "name": example.path.name,
                "title": group("examples").get(example.title, example.title),
                "thumb": thumbnail(example.path),
            }
            for example in examples
        ],
        limit_mb=MAX_MEGABYTES,
        addresses=addresses,
        picture=None,
        pictures=None,
        scene=None,
        segments=None,
        download=None,
    )
