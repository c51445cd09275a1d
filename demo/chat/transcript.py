"""The conversation as the page's script shows it, and the small pieces of HTML around it.

Whatever a person or the model wrote stays text: it goes to the browser in pieces, plain runs and region numbers, and
never as HTML. What is shown is never read back.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

from demo.i18n import words
from demo.session import mentions
from demo.session.mentions import Piece
from demo.session.session import Session, Turn
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions.region import PALETTE, text_color_on

_REGION_WORD = re.compile(r"(?i)<region ?(\d{1,3})>|(?<!\w)region ?(\d{1,3})(?!\w)")


def turns(session: Session, note: str = "") -> list[dict[str, Any]]:
    """The whole conversation as JSON; `note` says what an answer without text waits for.

    `about` is the region that a question means without naming it; `liked` is True, False or None.
    """
    return [
        {
            "id": turn.id,
            "about": turn.asked[0].number if turn.implied and turn.asked else None,
            "question": mentions.split(turn.typed),
            "answer": answer_pieces(turn),
            "state": turn.state,
            "note": _note(turn, note),
            "stats": stats_lines(turn),
            "liked": turn.liked,
        }
        for turn in session.transcript
    ]


def answer_pieces(turn: Turn) -> list[Piece]:
    """The model's words; where it speaks of its region1, region2 … stands the page's own number."""
    return pieces_of(turn.answer, turn.places)


def pieces_of(answer: str, places: Sequence[int]) -> list[Piece]:
    """An answer's words with the page's own numbers; `places` are those of the model's region1, region2 …"""
    pieces: list[Piece] = []
    end = 0
    for match in _REGION_WORD.finditer(answer):
        place = int(match.group(1) or match.group(2))
        if 1 <= place <= len(places):
            pieces += [answer[end : match.start()], places[place - 1]]
            end = match.end()
    return [piece for piece in [*pieces, answer[end:]] if piece != ""]


def _note(turn: Turn, note: str) -> str:
    """What is said beside the answer, or in place of it; empty for one that ended by itself."""
    if turn.state == "waiting":
        return "" if turn.answer else note or words.WAITING_IN_QUEUE
    if turn.state == "complete":
        return "" if turn.answer else words.NO_ANSWER
    return f"({words.STOPPED if turn.state == 'stopped' else words.CUT_OFF})"


def stats_lines(turn: Turn) -> list[tuple[str, str]]:
    """Labels and values of how an answer was made; empty while nothing is measured."""
    stats = turn.stats
    if stats is None:
        return []
    lines = [
        (words.STATS_MODEL, turn.model),
        (
            words.STATS_TOKENS,
            words.STATS_TOKENS_OF.format(new_tokens=stats.new_tokens, prompt_tokens=stats.prompt_tokens),
        ),
        (words.STATS_FIRST, words.STATS_FIRST_AFTER.format(seconds=stats.seconds_to_first_token)),
        (words.STATS_RATE, words.STATS_RATE_OF.format(rate=stats.tokens_per_second)),
    ]
    return [(label, value) for label, value in [*lines, *_settings_lines(turn.settings)] if value]


def _settings_lines(settings: SamplingSettings | None) -> list[tuple[str, str]]:
    """Labels and values of an answer's settings: those that decided what it says."""
    if settings is None:
        return []
    lines = [(words.TEMPERATURE, f"{settings.temperature:g}")]
    if settings.temperature > 0:
        lines.append((words.TOP_P, f"{settings.top_p:g}"))
        lines.append((words.SEED, "" if settings.seed is None else str(settings.seed)))
    longest = settings.max_new_tokens
    return [*lines, (words.MAX_NEW_TOKENS, "" if longest is None else str(longest))]


def chip(number: int) -> str:
    """A region's number on its colour."""
    tip = html.escape(words.CONVERSATION["chip"].format(number=number))
    attributes = {
        "type": "button",
        "class": f"osp-chip osp-c{(number - 1) % len(PALETTE)}",
        "data-region": number,
        "title": tip,
        "aria-label": tip,
    }
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<button{written}>{number}</button>"


def chip_css() -> str:
    """The colours of the chips, by place in the palette."""
    rules = [
        f".osp-c{place} {{ background: {color}; color: {text_color_on(color)}; }}"
        for place, color in enumerate(PALETTE)
    ]
    return "\n".join(rules)


def about_html(session: Session, suggestions: tuple[str, ...] = ()) -> str:
    """Which region a question without mention is about, and questions to try."""
    if session.selected is None:
        return f'<div class="osp-about">{html.escape(words.ABOUT_NONE)}</div>'
    tries = "".join(
        f'<button type="button" class="osp-try" data-fill="{html.escape(text)}">{html.escape(text)}</button>'
        for text in suggestions[:3]
    )
    more = f'<span class="osp-try-label">{html.escape(words.ABOUT_SUGGESTIONS)}</span>{tries}' if tries else ""
    return f'<div class="osp-about">{html.escape(words.ABOUT_SELECTED)} {chip(session.selected)}{more}</div>'
