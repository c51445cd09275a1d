"""Python side of the chat's own components: the conversation, the line above the question, own questions, the header.

Each is a gr.HTML with a script. What they are sent is `props`; what a person does comes back as an event with data.
Nothing here decides what an event means.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.chat import transcript
from demo.i18n import language, words
from demo.session.session import Session
from demo.shared.scripts import script
from osprey_core.regions.region import PALETTE


def build_conversation() -> gr.HTML:
    """Questions and answers. Its property `turns` is `transcript.turns(session)`; it triggers `rate_answer`."""
    return _component(
        "chatbot",
        script("chat/chat.js", ("rate_answer",)),
        html_template='<div class="osp-chat"></div>',
        words=words.CONVERSATION,
        turns=[],
    )


def build_about() -> gr.HTML:
    """What a question is about, suggestions, and the regions to choose from while a mention is typed."""
    return _component(
        "about", script("chat/about.js"), transcript.about_html(Session()), words=words.CONVERSATION, regions=[]
    )


def build_own_questions(longest: int) -> gr.HTML:
    """A person's own questions, kept in the browser; it triggers `ask_own`. `longest` is in characters."""
    return _component(
        "own-questions",
        script("chat/presets.js", ("ask_own",)),
        html_template='<div class="osp-own" role="list"></div>',
        words=words.OWN_QUESTIONS,
        longest=longest,
    )


def build_header(value: str) -> gr.HTML:
    """The header with the button of the help sheet and the choice of language; it triggers `choose_language`."""
    return _component(
        "header",
        script("chat/header.js", ("choose_language",)),
        value,
        words=words.HELP,
        steps=words.HELP_STEPS,
        sections=words.HELP_KEYS,
        language=language.current(),
        lang=language.HTML_NAMES[language.current()],
        cookie=language.COOKIE,
    )


def data_of(event: gr.EventData) -> dict[str, Any]:
    """What the script sent with an event; anything else than named values becomes nothing."""
    data = event._data
    return data if isinstance(data, dict) else {}


def replaced_turn(value: Any) -> int | None:
    """The id of the turn that the next question is to replace, as the conversation's script says it."""
    found = value.get("editing") if isinstance(value, dict) else None
    return found if isinstance(found, int) else None


def _component(elem_id: str, js_on_load: str, value: str | None = None, **props: Any) -> gr.HTML:
    return gr.HTML(
        value,
        elem_id=elem_id,
        js_on_load=js_on_load,
        apply_default_css=False,
        colors=len(PALETTE),
        **props,
    )
