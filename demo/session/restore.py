"""Coming back: after a reload the same browser tab finds its pictures, regions and conversations again.

The tab remembers the key of its seat, and nothing else does. A copy of what sits there is taken: a tab that was
duplicated goes its own way. Decides nothing about what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from demo.session.services import Services
from demo.session.workspace import Seat

_READ = """(seat, key) => {
  try { return [seat, sessionStorage.getItem("osprey-seat") || ""]; } catch { return [seat, ""]; }
}"""
_WRITE = """(key) => {
  try { if (key) sessionStorage.setItem("osprey-seat", key); } catch { /* then a reload begins anew */ }
}"""


def wire_returning(
    page: gr.Blocks, services: Services, seat: gr.State, show: Callable[[Seat], list[Any]], outputs: Sequence[Any]
) -> None:
    """To be called inside the page. `show(seat)` gives the updates that bring `outputs` to show what is open there."""
    key = gr.Textbox("", visible="hidden", elem_id="seat-key")

    def come_back(seat: Seat, key: str | None) -> list[Any]:
        if take_over(services, seat, key or ""):
            return [seat.key, *show(seat)]
        return [seat.key, *[gr.skip()] * len(outputs)]

    quick: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    page.load(come_back, [seat, key], [key, *outputs], js=_READ, concurrency_limit=None, **quick).then(
        None, [key], None, js=_WRITE, **quick
    )


def take_over(services: Services, seat: Seat, key: str) -> bool:
    """Bring a new seat to what sits at the one with this key, and keep it; False if there is nothing (any more)."""
    old = services.seats.find(key)
    if old is None or not old.sheets or seat.sheets:
        return False
    seat.take(old)
    services.seats.keep(seat)
    return True
