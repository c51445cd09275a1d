"""The chat's components as outputs: the properties with which they show a session."""

from __future__ import annotations

from demo.chat import transcript
from demo.chat.panel import OF_SEVERAL, ChatPanel
from demo.session.pictures import find_example
from demo.session.services import Services
from demo.session.session import Session
from demo.shared.mask_payload import shown_mask
from demo.shared.outputs import Outputs, Properties


def about_outputs(services: Services, chat: ChatPanel) -> Outputs[Session]:
    """The line above the question, and the regions that can be mentioned."""

    def properties(session: Session) -> list[Properties]:
        example = find_example(services, session.picture.name) if session.picture is not None else None
        suggestions = example.questions if example is not None else ()
        mentionable = [
            {"number": region.number, "percent": shown_mask(region.mask)["percent"], "name": region.name}
            for region in session.regions
        ]
        return [{"value": transcript.about_html(session, suggestions, chat.takes_questions), "regions": mentionable}]

    return Outputs((chat.about,), properties)


def preset_outputs(chat: ChatPanel) -> Outputs[Session]:
    """Ready-made questions that need two regions."""
    return Outputs(
        tuple(chat.presets[style] for style in OF_SEVERAL),
        lambda session: [{"interactive": len(session.regions) > 1} for _ in OF_SEVERAL],
    )


def turns_outputs(chat: ChatPanel) -> Outputs[Session]:
    """Questions and answers."""
    return Outputs((chat.conversation,), lambda session: [{"turns": transcript.turns(session)}])


def conversation_outputs(chat: ChatPanel) -> Outputs[Session]:
    """Questions and answers, and the buttons whose state depends on them: send or stop, retry, undo, clear."""
    return turns_outputs(chat) + Outputs((chat.send, chat.stop, chat.retry, chat.undo, chat.clear), _button_properties)


def _button_properties(session: Session) -> list[Properties]:
    busy = session.waiting is not None
    is_done = bool(session.transcript) and not busy
    return [
        {"visible": not busy},
        {"visible": busy},
        {"interactive": is_done},
        {"interactive": is_done},
        {"interactive": bool(session.transcript)},
    ]
