"""The component that keeps the browser's own copy of what is open, and shows a line if there is something to say."""

from __future__ import annotations

import gradio as gr

from demo.i18n.switching import in_words
from demo.shared.scripts import script, text_of

EVENTS = ("keep_record", "send_picture", "bring_back")


def build_keeping() -> gr.HTML:
    """Create the component; it triggers `EVENTS`.

    Properties, each empty until Python has sent it: `seat`, the keys of the page's workspace and of the one before a
    reload; `kept`, what to keep; `sent`, a picture's file; `returned`, what `bring_back` has opened.
    """
    keeper = gr.HTML(
        None,
        elem_id="keeping",
        html_template='<div class="osp-connection" role="status" hidden></div>',
        css_template=text_of("keeping/keeping.css"),
        js_on_load=script("keeping/keeping.js", EVENTS),
        apply_default_css=False,
        seat={},
        kept={},
        sent={},
        returned={},
    )
    return in_words(keeper, words="keeping")
