"""What the chat's scripts send: one typed message for each of their events."""

from __future__ import annotations

from typing import Any

from demo.shared.messages import ScriptMessage
from osprey_core.errors import InputError


class Rating(ScriptMessage):
    """What the person thinks of an answer; `liked` is None if they take it back."""

    turn: int
    liked: bool | None = None

    @classmethod
    def refusal(cls) -> InputError:
        """Nothing that a person could have chosen."""
        return InputError("page.unexpected")


class OwnQuestion(ScriptMessage):
    """One of the person's own questions."""

    text: str = ""


class Editing(ScriptMessage):
    """The value of the conversation: the turn whose question is being edited, by its id."""

    editing: int | None = None


def replaced_turn(value: Any) -> int | None:
    """The id of the turn that the next question is to replace; None if nothing is being edited."""
    return Editing.read(value).editing if value else None
