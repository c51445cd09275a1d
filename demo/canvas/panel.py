"""The picture canvas as a component: a gr.HTML with its own scripts.

Python sends it properties, see `payloads`; it sends one gesture at a time as `value`, see `gestures`.
"""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from demo.canvas.caption_spots import place_captions
from demo.canvas.gestures import EVENTS
from demo.canvas.payloads import thumbnail
from demo.i18n.catalog import group
from demo.i18n.switching import in_words
from demo.session.examples import Example
from demo.shared.scripts import script, text_of
from demo.shared.uploads import MAX_MEGABYTES

STYLE_SHEETS = ("canvas", "toolbar", "stage", "arriving", "empty", "line", "regions", "pictures", "camera")
"""Style sheets of the component, in the order in which they are joined."""


def build_canvas(examples: Sequence[Example], addresses: bool) -> gr.HTML:
    """Create the component inside a Blocks. `addresses`: whether pasting a web address opens the picture there."""
    shown = [{"name": example.path.name, "thumb": thumbnail(example.path)} for example in examples]
    canvas = gr.HTML(
        value=None,
        html_template='<div class="osp-root"></div>',
        css_template="\n".join(text_of(f"canvas/styles/{name}.css") for name in STYLE_SHEETS),
        js_on_load=script("canvas/canvas.js", EVENTS),
        apply_default_css=False,
        server_functions=[place_captions],
        elem_id="canvas",
        limit_mb=MAX_MEGABYTES,
        addresses=addresses,
        picture=None,
        pictures=None,
        scene=None,
        segments=None,
        detail=None,
        preview=None,
        download=None,
    )

    def titled() -> list[dict[str, str]]:
        titles = group("examples")
        return [
            {**entry, "title": titles.get(example.title, example.title)}
            for entry, example in zip(shown, examples, strict=True)
        ]

    return in_words(canvas, words="canvas", examples=titled)
