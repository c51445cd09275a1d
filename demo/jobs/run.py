"""The one loop that runs a model job: take a ticket, wait for the models, decode, show progress, settle.

Each kind of job (an answer, captions of everything, an analysis) says in a `Job` what it asks and what it does with the
pieces. Knows neither questions nor pictures.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Generic, Literal, TypeVar

from demo.jobs.decoding import Decode
from demo.jobs.requests import AnyRequest, Piece
from demo.session.services import Services

Update = TypeVar("Update")
"""What a job yields to show how far it is."""

Phase = Literal["queued", "loading", "opening", "writing"]
"""The job's turn has come; its models still load; its picture is being encoded; its pieces arrive."""

Ending = Literal["complete", "stopped", "failed"]
"""All pieces came; the person stopped it, or it went with its picture; an error, or the page was closed."""


class Job(ABC, Generic[Update]):
    """One kind of job: what it asks the model, and where its pieces go."""

    id: int
    """The number under which it can be stopped; no other job has it."""
    asks_second_model: bool = False
    """Whether the second model must have been loaded, too."""

    @abstractmethod
    def is_wanted(self) -> bool:
        """Whether it is still to be done: not stopped, and not gone with its picture."""

    @abstractmethod
    def requests(self) -> Iterable[AnyRequest]:
        """What the model is asked, one after the other. Called once, when the models have been loaded."""

    @abstractmethod
    def keep(self, place: int, piece: Piece) -> bool:
        """Keep one piece of the answer to the request at this place (from 0); False if there is no more use for it."""

    @abstractmethod
    def shown(self, phase: Phase) -> Update | None:
        """What to yield in this phase; None for nothing."""

    @abstractmethod
    def settle(self, ending: Ending) -> None:
        """Leave the person's session as it shall stay. Called once, whatever has happened."""


def run(services: Services, job: Job[Update], decode: Decode, interval: float) -> Iterator[Update]:
    """Run the job and yield its updates; while pieces arrive, at most one every `interval` seconds.

    Once the job is stopped or of no more use, decoding ends at the model's next token. Raises the reason if a model
    could not be loaded, and whatever decoding raises, after the job has settled.
    """
    ticket = services.running_jobs.ticket(job.id)
    ending: Ending = "failed"
    try:
        if not job.is_wanted():  # stopped just before there was a ticket
            ticket.stop()
        yield from _update(job, "queued")
        models = [services.model, services.second if job.asks_second_model else None]
        while not ticket.stopped and not all(model.wait(0.2) for model in models if model is not None):
            yield from _update(job, "loading")
            if not job.is_wanted():
                ticket.stop()
        if not ticket.stopped:
            services.model.get()  # raises the reason if loading failed
            last = 0.0
            for update in _update(job, "opening"):
                yield update
                last = time.monotonic()
            if not job.is_wanted():  # another picture has come to the front
                ticket.stop()
            for place, request in enumerate(() if ticket.stopped else job.requests()):
                for piece in () if ticket.stopped else decode(services, request, ticket):
                    if not job.keep(place, piece):
                        ticket.stop()
                        break
                    if not ticket.stopped and time.monotonic() - last >= interval:
                        yield from _update(job, "writing")
                        last = time.monotonic()
        ending = "stopped" if ticket.stopped else "complete"
    finally:
        services.running_jobs.done(job.id)
        job.settle(ending)


def _update(job: Job[Update], phase: Phase) -> Iterator[Update]:
    update = job.shown(phase)
    if update is not None:
        yield update
