"""Messages that scripts of the page send with their events, parsed into typed values.

Messages come from outside, so types are checked strictly: a wrong type raises InputError, numbers are not rounded, and
a missing number gets no default unless the message defines one.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

import gradio as gr
from pydantic import BaseModel, ConfigDict, Strict, ValidationError

from osprey_core.errors import InputError

Lax = Strict(False)
"""Marks a tuple that may be parsed from a JSON list; its items stay strict."""
Point = Annotated[tuple[float, float], Lax]
"""x and y in pixels of the picture."""


class ScriptMessage(BaseModel):
    """Base of all messages. Unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    @classmethod
    def read(cls, value: Any) -> Self:
        """Parse the value. Raises the InputError of `refusal` if it is no such message."""
        try:
            return cls.model_validate(value)
        except ValidationError:
            raise cls.refusal() from None

    @classmethod
    def read_event(cls, event: gr.EventData) -> Self:
        """Parse the data of an event."""
        return cls.read(event._data)

    @classmethod
    def refusal(cls) -> InputError:
        """The error for a value that is no such message."""
        return InputError("page.unknown_choice")
