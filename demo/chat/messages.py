"""Messages from the chat's scripts: one type for each event."""

from __future__ import annotations

from typing import Any

from demo.shared.messages import ScriptMessage
from osprey_core.errors import InputError


class Rating(ScriptMessage):
    """A rating of an answer; `liked` is None to remove the rating."""

    turn: int
    liked: bool | None = None

    @classmethod
    def refusal(cls) -> InputError:
        """The error for a value that the page cannot produce."""
        return InputError("page.unexpected")


class AskAgain(ScriptMessage):
    """Ask the question of a turn anew."""

    turn: int

    @classmethod
    def refusal(cls) -> InputError:
        """The error for a value that the page cannot produce."""
        return InputError("page.unexpected")


class OwnQuestion(ScriptMessage):
    """One of the person's own questions."""

    text: str = ""


class Editing(ScriptMessage):
    """The value of the conversation component: the id of the turn whose question is being edited."""

    editing: int | None = None


def replaced_turn(value: Any) -> int | None:
    """The id of the turn that the next question replaces; None if no question is being edited."""
    return Editing.read(value).editing if value else None
