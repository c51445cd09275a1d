"""The conversation as messages for the chatbot, and the small pieces of HTML around it.

Whatever a person or the model wrote is plain text here: it can neither become HTML nor Markdown. Rendered messages
are never read back.
"""

from __future__ import annotations

import html
import re
from typing import Any

from demo import mentions, words
from demo.session import AnswerStats, Session, Turn
from osprey_core.regions import PALETTE, text_color_on

# What Markdown could take for markup, wherever it stands …
_MARKUP = re.compile(r"[\\`*_{}\[\]<>&#$~|^=]")
# … and only in certain places: lists, rules, quotes at the start of a line; addresses that would turn into links.
_AT_LINE_START = re.compile(r"(?m)^[ \t]*(?:[-+]|\d+[.)])")
_LINK = re.compile(r"(?i)://|www\.|(?<=\w)@(?=\w)")

_REGION_WORD = re.compile(r"(?i)<region ?(\d{1,3})>|(?<!\w)region ?(\d{1,3})(?!\w)")


def escaped(text: str) -> str:
    """Text as HTML inside Markdown that shows exactly this text, line breaks included."""
    text = _LINK.sub(lambda match: _entities(match.group()), _AT_LINE_START.sub(_mask_list_sign, _entities_in(text)))
    return re.sub(r"\r\n?|\n", "<br>", text)


def _entities_in(text: str) -> str:
    return _MARKUP.sub(lambda match: _entities(match.group()), text)


def _entities(text: str) -> str:
    return "".join(f"&#{ord(character)};" for character in text)


def _mask_list_sign(match: re.Match[str]) -> str:
    return re.sub(r"[-+.)]", lambda sign: _entities(sign.group()), match.group())


def chip(number: int) -> str:
    """A region's number on its colour."""
    return f'<span class="osp-chip osp-c{(number - 1) % len(PALETTE)}">{number}</span>'


def chip_css() -> str:
    """The colours of the chips, by place in the palette."""
    rules = [
        f".osp-c{place} {{ background: {color}; color: {text_color_on(color)}; }}"
        for place, color in enumerate(PALETTE)
    ]
    return "\n".join(rules)


def messages(session: Session, note: str = "") -> list[dict[str, Any]]:
    """Messages {"role", "content"} of the whole conversation; `note` says what an answer without text waits for."""
    shown: list[dict[str, Any]] = []
    for turn in session.transcript:
        shown.append({"role": "user", "content": _question(turn)})
        shown.append({"role": "assistant", "content": _answer(turn, note)})
    return shown


def _question(turn: Turn) -> str:
    text = mentions.replaced(turn.typed, chip, escaped)
    return f"{chip(turn.asked[0].number)} {text}" if turn.implied else text


def _answer(turn: Turn, note: str) -> str:
    if turn.state == "waiting":
        if not turn.answer:
            return f'<span class="osp-note">{html.escape(note or words.WAITING_IN_QUEUE)}</span>'
        return f'{_answer_text(turn)}<span class="osp-caret"></span>'
    text = _answer_text(turn) if turn.answer else ("" if turn.state == "stopped" else html.escape(words.NO_ANSWER))
    remark = {"stopped": words.STOPPED, "length": words.CUT_OFF}.get(turn.state)
    return f'{text} <span class="osp-note">({remark})</span>'.strip() if remark else text


def _answer_text(turn: Turn) -> str:
    """The model's words; where it speaks of its region1, region2 … the page's own number is shown."""
    pieces = []
    end = 0
    for match in _REGION_WORD.finditer(turn.answer):
        place = int(match.group(1) or match.group(2))
        if 1 <= place <= len(turn.places):
            pieces += [escaped(turn.answer[end : match.start()]), chip(turn.places[place - 1])]
            end = match.end()
    return "".join([*pieces, escaped(turn.answer[end:])])


def stats_html(stats: AnswerStats | None) -> str:
    """One muted line that opens on demand; empty before the first answer."""
    if stats is None:
        return ""
    line = words.STATS_LINE.format(
        new_tokens=stats.new_tokens,
        first=stats.seconds_to_first_token,
        rate=stats.tokens_per_second,
        prompt_tokens=stats.prompt_tokens,
    )
    return f'<details class="osp-stats"><summary>{html.escape(words.STATS)}</summary>{html.escape(line)}</details>'


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
