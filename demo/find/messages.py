"""Messages from the search field's script: one type for each event that carries data."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from demo.shared.messages import ScriptMessage


class SearchMessage(ScriptMessage):
    """Search for this phrase in the picture with this digest."""

    phrase: str
    picture: str | None = None


class TakeMessage(ScriptMessage):
    """Take the finds of a search, by its id, at a threshold."""

    search: int
    threshold: Annotated[float, Field(ge=0, le=1)]
