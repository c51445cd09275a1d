"""Have the model encode a picture as soon as it is opened, so that the first answer does not wait for it."""

from __future__ import annotations

import logging
import threading
import time

from demo.jobs.decoding import opened_view
from demo.session.services import Services
from demo.session.session import Picture
from osprey_core.language.turn_order import asked_at

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
"""So soon nobody asks about a picture that has just been opened: what is asked about others until then goes first."""


def prepare_picture(services: Services, picture: Picture | None) -> None:
    """Begin to encode the picture in the background, unless the model still loads or enough pictures are in work.

    Models that answer one after another are left alone: a question of somebody else would have to wait.
    """
    if picture is None or services.model.state != "ready" or services.most_together <= 1:
        return
    if services.preparing.acquire(blocking=False):
        threading.Thread(target=_prepare, args=(services, picture), name="preparing", daemon=True).start()


def _prepare(services: Services, picture: Picture) -> None:
    try:
        with asked_at(time.monotonic() + PAUSE_SECONDS):
            opened_view(services, picture).prepare()
    except Exception:
        # The first question tries again, and tells what is wrong.
        log.debug("A picture could not be prepared.", exc_info=True)
    finally:
        services.preparing.release()
