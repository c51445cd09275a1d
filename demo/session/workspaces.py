"""Everybody's seats: found again by their key after a page was reloaded, and all that they hold kept within bounds.

A seat is kept for some time after it was last used. Beyond the bounds the one that was used least recently goes first:
it is emptied, so that its pictures are let go wherever the seat itself is still known. Knows no page.
"""

from __future__ import annotations

import threading
import time

from demo.session.workspace import Seat


class Seats:
    """Seats by key. At most `capacity`, at most `max_bytes` of picture files in all, each for `seconds` after its use.

    The seat that was kept last stays, whatever its size. Thread-safe.
    """

    def __init__(self, capacity: int = 1000, max_bytes: int = 2 * 2**30, seconds: float = 4 * 3600) -> None:
        self.capacity, self.max_bytes, self.seconds = capacity, max_bytes, seconds
        self._lock = threading.Lock()
        self._seats: dict[str, Seat] = {}
        self._clients: dict[str, Seat] = {}

    def __len__(self) -> int:
        return len(self._seats)

    def keep(self, seat: Seat) -> Seat:
        """Have `find` find this seat from now on, and let others go if there is no room for all; returns it."""
        seat.used = time.monotonic()
        with self._lock:
            self._seats[seat.key] = seat
            gone = self._out_of_bounds(seat)
            for other in gone:
                del self._seats[other.key]
            if gone:
                self._clients = {name: kept for name, kept in self._clients.items() if kept not in gone}
        for other in gone:
            other.empty()
        return seat

    def find(self, key: str) -> Seat | None:
        """The kept seat with this key; None if there is none, or none any more."""
        with self._lock:
            seat = self._seats.get(key)
        if seat is None or time.monotonic() - seat.used > self.seconds:
            return None
        seat.used = time.monotonic()
        return seat

    def of_client(self, name: str) -> Seat:
        """The seat of a program that gives no key, by the name of its connection; made on first use."""
        with self._lock:
            seat = self._clients.get(name)
            if seat is None or seat.key not in self._seats:
                seat = self._clients[name] = Seat()
        return self.keep(seat)

    def _out_of_bounds(self, newest: Seat) -> list[Seat]:
        """The seats that have to go: those whose time is over, then the least recently used, never `newest`."""
        now = time.monotonic()
        others = sorted((seat for seat in self._seats.values() if seat is not newest), key=lambda seat: seat.used)
        gone = [seat for seat in others if now - seat.used > self.seconds]
        kept = [*others[len(gone) :], newest]
        while len(kept) > 1 and (len(kept) > self.capacity or _picture_bytes(kept) > self.max_bytes):
            gone.append(kept.pop(0))
        return gone


def _picture_bytes(seats: list[Seat]) -> int:
    """Bytes of all picture files; one that several seats share counts once."""
    pictures = {id(sheet.session.picture): sheet.session.picture for seat in seats for sheet in seat.sheets}
    return sum(len(picture.data) for picture in pictures.values() if picture is not None)
