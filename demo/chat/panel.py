"""The chat's components: conversation, the line above the question, ready-made and own questions, tools, settings.

Conversation, line and own questions are gr.HTML with scripts, which receive `props` and send events, see `messages`.
The handlers are in `demo.chat.events`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import gradio as gr

from demo.chat import transcript
from demo.chat.settings import SettingsPanel, build_settings
from demo.i18n.switching import in_words
from demo.session.conversation import MAX_QUESTION_CHARACTERS, Style
from demo.session.session import Session
from demo.shared.components import scripted
from osprey_core.config import GenerationDefaults

STYLES: tuple[Style, ...] = get_args(Style)
"""Ready-made questions, in the order of their buttons."""
NAMING: Style = "category"
"""The ready-made question that asks for a name alone."""
OF_SEVERAL: tuple[Style, ...] = ("relation", "compare")
"""Ready-made questions that need two regions."""


@dataclass(frozen=True)
class ChatPanel:
    """The components of the chat."""

    conversation: gr.HTML
    about: gr.HTML
    presets: dict[Style, gr.Button]
    """Ready-made questions by their style."""
    own: gr.HTML
    question: gr.Textbox
    send: gr.Button
    stop: gr.Button
    retry: gr.Button
    undo: gr.Button
    clear: gr.Button
    settings: SettingsPanel
    takes_questions: bool


def build_chat(defaults: GenerationDefaults, takes_questions: bool = True) -> ChatPanel:
    """Create the panel inside a Blocks. `defaults` are the initial settings.

    takes_questions: whether the model reads questions; without, only "What is it?" and what belongs to it are shown.
    """
    conversation = _build_conversation()
    about = _build_about()
    with gr.Row(elem_id="presets"):
        presets = {
            style: in_words(
                gr.Button(
                    size="sm",
                    elem_id=f"preset-{style}",
                    interactive=style not in OF_SEVERAL,
                    visible=takes_questions or style == NAMING,
                ),
                value=f"presets.{style}",
            )
            for style in STYLES
        }
        own = _build_own_questions(takes_questions)
    with gr.Row(elem_id="ask-row", visible=takes_questions):
        question = in_words(
            gr.Textbox(
                elem_id="question",
                show_label=False,
                container=False,
                lines=1,
                max_lines=5,
                max_length=MAX_QUESTION_CHARACTERS,
                scale=1,
            ),
            label="chat.question",
            placeholder="chat.question_placeholder",
        )
        send = in_words(gr.Button(variant="primary", elem_id="send", scale=0), value="chat.send")
        stop = in_words(gr.Button(variant="stop", elem_id="stop", visible=False, scale=0), value="chat.stop")
    with gr.Row(elem_id="chat-tools"):
        retry = in_words(gr.Button(size="sm", elem_id="retry", interactive=False), value="chat.retry")
        undo = in_words(gr.Button(size="sm", elem_id="undo-turn", interactive=False), value="chat.undo_turn")
        clear = in_words(gr.Button(size="sm", elem_id="clear-chat", interactive=False), value="chat.clear_chat")
        settings = build_settings(defaults, visible=takes_questions)
    return ChatPanel(
        conversation, about, presets, own, question, send, stop, retry, undo, clear, settings, takes_questions
    )


def _build_conversation() -> gr.HTML:
    """Questions and answers: `turns` is `transcript.turns(session)`; it triggers `rate_answer` and `ask_again`."""
    return in_words(
        scripted(
            "chatbot",
            "chat/chat.js",
            ("rate_answer", "ask_again"),
            html_template='<div class="osp-chat"></div>',
            turns=[],
        ),
        words="conversation",
    )


def _build_about() -> gr.HTML:
    """The region a question is about, suggested questions, and the list of regions to mention."""
    return in_words(
        scripted("about", "chat/about.js", regions=[]),
        value=lambda: transcript.about_html(Session()),
        words="conversation",
    )


def _build_own_questions(visible: bool) -> gr.HTML:
    """A person's own questions, stored in the browser; it triggers `ask_own`."""
    return in_words(
        scripted(
            "own-questions",
            "chat/presets.js",
            ("ask_own",),
            html_template='<div class="osp-own" role="list"></div>',
            longest=MAX_QUESTION_CHARACTERS,
            visible=visible,
        ),
        words="own_questions",
    )
