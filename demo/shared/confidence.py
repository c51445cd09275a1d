"""How sure a name is, in the person's words: for answers in the chat and rows of the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from demo.i18n.catalog import text

NEXT_GUESSES = 2


def confidence_of(guesses: Sequence[tuple[str, float]], is_unsure: bool, finer: str = "") -> dict[str, Any] | None:
    """The confidence of a name as the scripts show it; None without one.

    Args:
        guesses: name and confidence 0..1 of the answer's name and the next guesses.
        is_unsure: whether the name is a question.
        finer: what kind of the thing it perhaps is; told of sure names alone.

    Returns:
        {"short": "83 %", "line": "dog: 83 % sure", "isUnsure": False}; an unsure line is "Not sure: dog? (38 %) Or: cat
        (31 %), fox (9 %)".
    """
    if not guesses:
        return None
    (name, confidence), others = guesses[0], guesses[1 : 1 + NEXT_GUESSES]
    short = text("confidence.percent", percent=percent_of(confidence))
    if not is_unsure:
        line = text("confidence.sure", name=name, percent=short) if name else short
        if finer:
            line = f"{line}{text('confidence.list_comma')}{text('confidence.perhaps', name=finer)}"
        return {"short": short, "line": line, "isUnsure": False}
    line = text("confidence.unsure", name=name, percent=short)
    if others:
        listed = text("confidence.list_comma").join(
            f"{name} ({text('confidence.percent', percent=percent_of(confidence))})" for name, confidence in others
        )
        line = f"{line} {text('confidence.others', guesses=listed)}"
    return {"short": short, "line": line, "isUnsure": True}


def percent_of(confidence: float) -> str:
    """Whole percent of a confidence 0..1; never "0" or "100", since nothing is certain."""
    percent = round(confidence * 100)
    return "<1" if percent < 1 else ">99" if percent > 99 else str(percent)


def name_result(guesses: Sequence[tuple[str, float]], is_unsure: bool, finer: str = "") -> dict[str, Any]:
    """How sure a name is, as callers read it: name, confidence 0..1, unsure, next guesses; empty without one.

    finer: what kind of the thing it perhaps is; told as "perhaps", where there is one.
    """
    if not guesses:
        return {}
    others = [{"name": name, "confidence": round(confidence, 4)} for name, confidence in guesses[1 : 1 + NEXT_GUESSES]]
    name, confidence = guesses[0]
    told = {"name": name, "confidence": round(confidence, 4), "unsure": is_unsure, "guesses": others}
    return told | ({"perhaps": finer} if finer else {})
