"""What scripts of the page send with their events, read once into typed values.

It comes from outside: a value of the wrong kind is refused with one sentence. Nothing is rounded, and nothing that is
missing becomes a number.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

import gradio as gr
from pydantic import BaseModel, ConfigDict, Strict, ValidationError

from osprey_core.errors import InputError

Lax = Strict(False)
"""Marks a tuple that may be read from a list, as JSON has it; what it holds stays strict."""
Point = Annotated[tuple[float, float], Lax]
"""x and y in pixels of the picture."""


class ScriptMessage(BaseModel):
    """Named values as a script sends them. Names that are not known are left out."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    @classmethod
    def read(cls, value: Any) -> Self:
        """The message that this value is. Raises InputError, with the sentence of `refusal`, if it is none."""
        try:
            return cls.model_validate(value)
        except ValidationError:
            raise cls.refusal() from None

    @classmethod
    def read_event(cls, event: gr.EventData) -> Self:
        """The message that was sent with an event."""
        return cls.read(event._data)

    @classmethod
    def refusal(cls) -> InputError:
        """What is said of a value that is no such message."""
        return InputError("page.unknown_choice")
