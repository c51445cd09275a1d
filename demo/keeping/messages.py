"""Messages from the script that keeps a copy of what is open, one type for each event."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from demo.session.workspace import MAX_PICTURES
from demo.shared.messages import Lax, ScriptMessage


class KeepMessage(ScriptMessage):
    """Give out what has changed since the contents with this revision, by default everything."""

    since: int = 0


class PictureMessage(ScriptMessage):
    """Give out the file of the open picture with this digest."""

    picture: str


class KeptSheet(ScriptMessage):
    """A picture that the browser has kept, with its regions and chat; both files are uploads."""

    sheet: int
    """Its id when it was kept."""
    digest: str
    picture: object = None
    """Gradio's FileData of the picture's file, see `demo.shared.uploads`."""
    record: object = None
    """Gradio's FileData of the record as JSON."""


class BringBack(ScriptMessage):
    """Open all that was kept."""

    sheets: Annotated[tuple[KeptSheet, ...], Lax, Field(max_length=MAX_PICTURES)]
    front: int
    """The sheet that was in front."""
