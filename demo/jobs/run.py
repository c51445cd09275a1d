"""The loop that runs every model job: take a ticket, wait for the models and a turn, decode, show progress, settle.

Each kind of job (an answer, captions of everything, an analysis) implements `Job`: what it asks the model and what it
does with the pieces.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Generic, Literal, TypeVar

from demo.jobs.decoding import Decode
from demo.jobs.requests import AnyRequest, Piece, Step
from demo.session.services import Services
from demo.session.session import AnswerMeasures
from demo.shared.metrics import JOB_SECONDS, count_answer
from demo.shared.running_jobs import Ticket
from demo.shared.turns import WorkTurn
from osprey_core.errors import InputError

Update = TypeVar("Update")
"""The type of a job's progress updates."""

Phase = Literal["queued", "loading", "waiting", "opening", "writing"]
"""In order: the job begins; its models still load; others have their turn first; its picture is being encoded; its
pieces arrive."""

WAITING_SECONDS = 3.0
"""A job that waits for its turn shows its place at once, and then so often. While it does, it may miss its turn."""
LOOK_SECONDS = 0.25
"""So soon a job that waits notices that it has been stopped."""

Ending = Literal["complete", "stopped", "failed"]
"""In order: all pieces arrived; the person stopped it or closed its picture; an error, or the page was closed."""


class Job(ABC, Generic[Update]):
    """One kind of job: what it asks the model, and where its pieces are stored."""

    id: int
    """Unique number under which the job can be stopped."""
    kind: str
    """What the metrics call such a job."""
    person: str = ""
    """Whose job it is; persons take turns at the model."""
    place: int = 0
    """How many others have their turn before this job."""
    is_long: bool = False
    """Whether it takes long beside a short answer."""
    asks_second_model: bool = False
    """Whether the job also needs the second model."""
    uses_clip: bool = False
    """Whether the job also asks the CLIP, where there is one."""

    @abstractmethod
    def is_wanted(self) -> bool:
        """Whether the job should still run: it was not stopped, and its picture is still in front."""

    @abstractmethod
    def requests(self) -> Iterable[AnyRequest]:
        """The requests to the model, in order. Called once, after the models have been loaded."""

    @abstractmethod
    def keep(self, place: int, piece: Piece) -> bool:
        """Store one piece of the answer to the request at this place (from 0); False if the job is no longer wanted."""

    @abstractmethod
    def shown(self, phase: Phase) -> Update | None:
        """The update to yield in this phase; None for no update."""

    @abstractmethod
    def settle(self, ending: Ending) -> None:
        """Set the final state in the person's session. Called exactly once, also after errors."""


def run(services: Services, job: Job[Update], decode: Decode, interval: float) -> Iterator[Update]:
    """Run the job and yield its updates; while pieces arrive, at most one every `interval` seconds.

    Once the job is stopped or no longer wanted, decoding ends at the model's next token. Raises the reason if a model
    could not be loaded, and errors of decoding, after the job has settled.
    """
    ticket = services.running_jobs.ticket(job.id)
    ending: Ending = "failed"
    began = time.monotonic()
    try:
        if not job.is_wanted():  # stopped before its ticket existed
            ticket.stop()
        yield from _update(job, "queued")
        models = [
            services.model,
            services.second if job.asks_second_model else None,
            services.clip if job.uses_clip else None,
        ]
        while not ticket.stopped and not all(model.wait(0.2) for model in models if model is not None):
            yield from _update(job, "loading")
            if not job.is_wanted():
                ticket.stop()
        if not ticket.stopped:
            turn = services.turn_at_model(job.person, job.is_long)  # raises the reason if loading failed
            try:
                yield from _wait(job, turn, ticket, "waiting")
                yield from _carry_out(services, job, decode, interval, ticket, turn)
            finally:
                turn.leave()
        ending = "stopped" if ticket.stopped else "complete"
    finally:
        services.running_jobs.done(job.id)
        JOB_SECONDS.labels(job.kind, ending).observe(time.monotonic() - began)
        job.settle(ending)


def _carry_out(
    services: Services, job: Job[Update], decode: Decode, interval: float, ticket: Ticket, turn: WorkTurn
) -> Iterator[Update]:
    """Decode all requests of a job whose turn has begun. Between pieces, others may have their turn."""
    last = 0.0
    deadline = math.inf if job.is_long else time.monotonic() + services.answer_seconds
    for update in () if ticket.stopped else _update(job, "opening"):
        yield update
        last = time.monotonic()
    if not job.is_wanted():  # another picture is in front now
        ticket.stop()
    for place, request in enumerate(() if ticket.stopped else job.requests()):
        if place and not ticket.stopped:  # the next request may take long to its first piece
            yield from _update(job, "writing")
            last = time.monotonic()
        for piece in () if ticket.stopped else decode(services, request, ticket):
            if isinstance(piece, AnswerMeasures):
                count_answer(piece.prompt_tokens, piece.new_tokens, piece.seconds_to_first_token)
            if not job.keep(place, piece):
                ticket.stop()
                break
            if ticket.stopped and isinstance(piece, Step):  # nothing has been written yet that has to be ended
                break
            if not ticket.stopped and time.monotonic() - last >= interval:
                yield from _update(job, "writing")
                last = time.monotonic()
            if not ticket.stopped and turn.pass_on():
                yield from _wait(job, turn, ticket, "writing")
            if not ticket.stopped and time.monotonic() > deadline:
                ticket.stop()
                raise InputError("page.answer_too_long", seconds=services.answer_seconds)


def _wait(job: Job[Update], turn: WorkTurn, ticket: Ticket, phase: Phase) -> Iterator[Update]:
    """Wait for the turn and yield updates of this phase; ends without the turn if the job is stopped."""
    shown_at = time.monotonic() + LOOK_SECONDS - WAITING_SECONDS
    while not ticket.stopped and not turn.wait(LOOK_SECONDS):
        if not job.is_wanted():
            ticket.stop()
        elif time.monotonic() - shown_at >= WAITING_SECONDS:
            job.place = turn.place
            yield from _update(job, phase)
            shown_at = time.monotonic()


def _update(job: Job[Update], phase: Phase) -> Iterator[Update]:
    update = job.shown(phase)
    if update is not None:
        yield update
