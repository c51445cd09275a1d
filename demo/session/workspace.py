"""One person's workspace: the open pictures, each with its own Session, one of them in front.

Events of one person may overlap, so all changes are serialized here.
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from demo.session.naming import with_names_from_answers
from demo.session.session import Session
from osprey_core.errors import InputError

MAX_PICTURES = 12

Kind = Literal["page", "program", "anonymous"]
"""Whose a workspace is: a browser tab's, a connected program's, or that of a program that names it in every call."""

_sheet_ids = itertools.count(1)
_revisions = itertools.count(1)


@dataclass(frozen=True)
class Sheet:
    """One open picture: its Session under an id that is unique in this process."""

    id: int
    session: Session
    revision: int = field(default_factory=_revisions.__next__)
    """Number of its last change; a later change, of whatever sheet in this process, has a higher one."""


@dataclass(frozen=True)
class Contents:
    """What is open in a workspace at one moment, see `Workspace.contents`."""

    revision: int
    """Higher than those of all changes before."""
    front: int
    """Id of the sheet in front."""
    sheets: tuple[Sheet, ...]
    changed: tuple[Sheet, ...]


class Workspace:
    """Holds the Sessions of one person's open pictures.

    Events of one person may overlap: a click is segmented while an answer streams. If each event returned a changed
    copy of the Session it started from, the later one would undo the other's work; so events change the value here,
    under a lock.
    """

    def __init__(self, kind: Kind = "page") -> None:
        self.kind: Kind = kind
        self.address = ""
        """Of the computer that used it last; "" if it is unknown."""
        self.key = secrets.token_urlsafe(18)
        """A random secret that gives access to this workspace."""
        self.last_used = time.monotonic()
        """Time of the last use, in seconds of the monotonic clock."""
        self._sheets: tuple[Sheet, ...] = (Sheet(next(_sheet_ids), Session()),)
        self._front = self._sheets[0].id
        self._lock = threading.RLock()
        self._region_changes = threading.Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> Workspace:
        """A new, empty workspace: Gradio deep-copies a State's initial value for every person who opens the page."""
        return Workspace()

    @property
    def person(self) -> str:
        """Whose it is, for taking turns: without a connection of their own, all programs of a computer are one."""
        return self.address if self.kind == "anonymous" and self.address else self.key

    @property
    def session(self) -> Session:
        """The session of the picture in front."""
        return self.front.session

    @property
    def front(self) -> Sheet:
        """The sheet that is shown; it has no picture only if none is open."""
        with self._lock:
            return next(sheet for sheet in self._sheets if sheet.id == self._front)

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """The open pictures in the order in which they were opened."""
        return tuple(sheet for sheet in self._sheets if sheet.session.picture is not None)

    def change(self, change: Callable[[Session], Session]) -> Session:
        """Replace the session in front by `change(session)` and return it. `change` should be quick."""
        with self._lock:
            return self._change(self.front, change)

    def change_regions(self, change: Callable[[Session], Session], sheet_id: int | None = None) -> Session:
        """As `change`, for a slow `change` of the regions: such changes are serialized, but the chat is not blocked.

        Only regions, selection, undo history and an undone change of the conversation are used of the result, even if
        another picture is in front by then.
        If the picture has been closed, nothing changes. Returns the session of the picture that was changed.

        sheet_id: the open picture to change; None: the one in front.
        """
        with self._region_changes:
            before = self.front if sheet_id is None else self._sheet(sheet_id)
            if before is None:
                return self.session
            after = change(before.session)

            def merge(now: Session) -> Session:
                if now.picture is not before.session.picture:
                    return now
                transcript = now.transcript
                if after.transcript is not before.session.transcript:  # undo or redo of a change of the conversation
                    known = {turn.id for turn in before.session.transcript}
                    transcript = (*after.transcript, *(turn for turn in now.transcript if turn.id not in known))
                changed = replace(
                    now,
                    regions=after.regions,
                    selected=after.selected,
                    undo=after.undo,
                    redo=after.redo,
                    transcript=transcript,
                )
                return with_names_from_answers(changed)  # an answer may have come in the meantime

            with self._lock:
                sheet = self._sheet(before.id)
                return self.session if sheet is None else self._change(sheet, merge)

    def open(self, session: Session) -> None:
        """Open another picture and bring it to the front.

        If the same picture is open already and `session` has no regions or conversation, the open one is brought to the
        front with its regions and conversation. Raises InputError if too many pictures are open.
        """
        assert session.picture is not None
        with self._lock:
            same = [sheet for sheet in self.sheets if _is_same(sheet.session, session)]
            if same and not session.regions and not session.transcript:
                return self.bring_to_front(same[-1].id)
            if len(self.sheets) >= MAX_PICTURES:
                raise InputError("page.many_pictures", limit=MAX_PICTURES)
            self._leave()
            opened = Sheet(next(_sheet_ids), session)
            self._sheets, self._front = (*self.sheets, opened), opened.id
            self.last_used = time.monotonic()

    def bring_to_front(self, sheet_id: int) -> None:
        """Bring an open picture to the front. Raises InputError if it is not open."""
        with self._lock:
            if all(sheet.id != sheet_id for sheet in self.sheets):
                raise InputError("page.picture_closed")
            if sheet_id != self._front:
                self._leave()
                self._front = sheet_id
            self.last_used = time.monotonic()

    def close(self, sheet_id: int) -> None:
        """Close a picture with its regions and chat; if it was in front, its neighbour comes to the front.

        Does nothing if it is not open.
        """
        with self._lock:
            places = [place for place, sheet in enumerate(self.sheets) if sheet.id == sheet_id]
            if not places:
                return
            rest = tuple(sheet for sheet in self.sheets if sheet.id != sheet_id)
            if sheet_id == self._front:
                rest = rest or (Sheet(next(_sheet_ids), Session()),)
                self._front = rest[min(places[0], len(rest) - 1)].id
            self._sheets = rest
            self.last_used = time.monotonic()

    def copy_from(self, other: Workspace) -> None:
        """Replace the open pictures by copies of those of another workspace.

        Unfinished answers, captions and analyses are marked as stopped in the copies.
        """
        with other._lock:
            sheets, front = other._sheets, other._front
        with self._lock:
            self._sheets = tuple(
                replace(sheet, session=sheet.session.settled(), revision=next(_revisions)) for sheet in sheets
            )
            self._front = front
            self.last_used = time.monotonic()

    def contents(self, since: int = 0) -> Contents:
        """What is open; `changed` are the sheets that changed after the contents with revision `since` were read."""
        with self._lock:
            sheets = self.sheets
            changed = tuple(sheet for sheet in sheets if sheet.revision > since)
            return Contents(next(_revisions), self._front, sheets, changed)

    def clear(self) -> None:
        """Close all pictures."""
        self.copy_from(Workspace())

    def _sheet(self, sheet_id: int) -> Sheet | None:
        return next((sheet for sheet in self._sheets if sheet.id == sheet_id), None)

    def _change(self, sheet: Sheet, change: Callable[[Session], Session]) -> Session:
        session = change(sheet.session)
        self.last_used = time.monotonic()
        if session is sheet.session:
            return session
        changed = replace(sheet, session=session, revision=next(_revisions))
        self._sheets = tuple(changed if other.id == sheet.id else other for other in self._sheets)
        return session

    def _leave(self) -> None:
        """Mark the front picture's unfinished jobs as stopped, before another picture comes to the front."""
        self.change(Session.settled)


def _is_same(one: Session, other: Session) -> bool:
    return one.picture is not None and other.picture is not None and one.picture.digest == other.picture.digest
