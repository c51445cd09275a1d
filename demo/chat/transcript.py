"""The conversation as JSON for the page's script, and the line above the question as HTML.

Text by a person or the model is sent as pieces (plain runs and region numbers), never as HTML. The server never reads
the conversation back from the page.
"""

from __future__ import annotations

import html
from typing import Any

from demo.i18n.catalog import text
from demo.session import conversation
from demo.session.session import ChatTurn, Session
from demo.shared.confidence import confidence_of
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions import mentions
from osprey_core.regions.colors import PALETTE, text_color_on
from osprey_core.regions.mentions import Piece


def turns(session: Session, note: str = "") -> list[dict[str, Any]]:
    """The whole conversation as JSON; `note` says what a turn without text is waiting for.

    In each turn, `about` is the region that a question refers to without a mention; `liked` is True, False or None;
    `changed` are the numbers of its regions that have other pixels by now.
    """
    return [
        {
            "id": turn.id,
            "about": turn.regions[0].number if turn.implied and turn.regions else None,
            "question": mentions.split(turn.typed),
            "answer": answer_pieces(turn),
            "state": turn.state,
            "note": _note(turn, note),
            "stats": stats_lines(turn),
            "confidence": _confidence(turn),
            "liked": turn.liked,
            "changed": list(conversation.changed_regions(session, turn)) if turn.answer else [],
        }
        for turn in session.transcript
    ]


def answer_pieces(turn: ChatTurn) -> list[Piece]:
    """The answer in pieces, with the model's region1, region2 … replaced by the page's region numbers."""
    return mentions.answer_pieces(turn.answer, turn.places)


def _note(turn: ChatTurn, note: str) -> str:
    """The note beside the answer, or in place of it; empty for an answer that is complete."""
    if turn.state == "waiting":
        return "" if turn.answer else note or text("chat.waiting_in_queue")
    lines = [text("chat.english_only")] if turn.is_unreadable else []
    if turn.state != "complete":
        lines.insert(0, f"({text('chat.stopped') if turn.state == 'stopped' else text('chat.cut_off')})")
    elif not turn.answer:
        lines.insert(0, text("chat.no_answer"))
    return "\n".join(lines)


def _confidence(turn: ChatTurn) -> dict[str, Any] | None:
    """How sure the name in the answer is, see `confidence_of`."""
    stats = turn.stats
    return confidence_of(stats.guesses, stats.is_unsure, stats.finer_name) if stats is not None else None


def stats_lines(turn: ChatTurn) -> list[tuple[str, str]]:
    """Labels and values of an answer's measurements; empty until they are known."""
    stats = turn.stats
    if stats is None:
        return []
    lines = [
        (text("stats.model"), turn.model),
        (
            text("stats.tokens"),
            text("stats.tokens_of", new_tokens=stats.new_tokens, prompt_tokens=stats.prompt_tokens),
        ),
        (text("stats.first"), text("stats.first_after", seconds=stats.seconds_to_first_token)),
        (text("stats.rate"), text("stats.rate_of", rate=stats.tokens_per_second)),
    ]
    return [(label, value) for label, value in [*lines, *_settings_lines(turn.settings)] if value]


def _settings_lines(settings: SamplingSettings | None) -> list[tuple[str, str]]:
    """Labels and values of the sampling settings that influenced an answer."""
    if settings is None:
        return []
    lines = [(text("settings.temperature"), f"{settings.temperature:g}")]
    if settings.temperature > 0:
        lines.append((text("settings.top_p"), f"{settings.top_p:g}"))
        lines.append((text("settings.seed"), "" if settings.seed is None else str(settings.seed)))
    longest = settings.max_new_tokens
    return [*lines, (text("settings.max_new_tokens"), "" if longest is None else str(longest))]


def chip(number: int) -> str:
    """The HTML of a region's number on its colour."""
    tip = html.escape(text("conversation.chip", number=number))
    attributes = {
        "type": "button",
        "class": f"osp-chip osp-c{(number - 1) % len(PALETTE)}",
        "data-region": number,
        "title": tip,
        "aria-label": tip,
    }
    attributes_html = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<button{attributes_html}>{number}</button>"


def chip_css() -> str:
    """CSS rules for the colours of the chips, by index in the palette."""
    rules = [
        f".osp-c{place} {{ background: {color}; color: {text_color_on(color)}; }}"
        for place, color in enumerate(PALETTE)
    ]
    return "\n".join(rules)


def _try(question: str) -> str:
    """HTML of a button that fills the question box."""
    return f'<button type="button" class="osp-try" data-fill="{html.escape(question)}">{html.escape(question)}</button>'


def about_html(session: Session, suggestions: tuple[str, ...] = (), can_ask: bool = True) -> str:
    """HTML that names the region a question without a mention is about, and suggests questions.

    can_ask: whether the model answers free questions, such as one about the whole picture.
    """
    if session.selected is None:
        can_ask = can_ask and session.picture is not None
        whole = _try(text("for_the_model.whole_picture")) if can_ask else ""
        told = text("chat.about_whole") if can_ask else text("chat.about_none")
        return f'<div class="osp-about osp-about-whole">{html.escape(told)}{whole}</div>'
    tries = "".join(map(_try, suggestions[:3]))
    more = f'<span class="osp-try-label">{html.escape(text("chat.about_suggestions"))}</span>{tries}' if tries else ""
    return f'<div class="osp-about">{html.escape(text("chat.about_selected"))} {chip(session.selected)}{more}</div>'
