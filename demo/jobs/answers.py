"""Stream the model's answer to a question into the person's session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from demo.i18n.catalog import text
from demo.jobs.decoding import Decode, decode
from demo.jobs.requests import Piece, QuestionRequest, request_of
from demo.jobs.run import Ending, Job, Phase, run
from demo.session.naming import with_names_from_answers
from demo.session.services import Services
from demo.session.session import AnswerMeasures, ChatTurn, Session, TurnState
from demo.session.workspace import Workspace
from osprey_core.language.english import is_english
from osprey_core.language.sampling import SamplingSettings


@dataclass(frozen=True)
class Progress:
    """The session while an answer is written; `note` says what the answer waits for while it has no text."""

    session: Session
    note: str = ""


def answer(
    services: Services,
    workspace: Workspace,
    settings: SamplingSettings,
    decode: Decode = decode,
    interval: float = 0.05,
) -> Iterator[Progress]:
    """Write the answer of the workspace's waiting turn into its session, token by token.

    Yields at most every `interval` seconds. If the turn disappears (new picture, cleared chat) or is stopped, decoding
    ends at the next token. Raises errors of the model; if there is no text yet, the turn is removed first.
    """
    turn = workspace.session.waiting
    if turn is None:
        return
    yield from run(services, AnswerJob(services, workspace, turn, settings), decode, interval)
    yield Progress(workspace.session)


def stop(services: Services, workspace: Workspace) -> Session:
    """End the waiting answer, whether it is being written or queued.

    The turn is marked as stopped at once: its event may stay queued for long, or never run.
    """
    waiting = workspace.session.waiting
    if waiting is None:
        return workspace.session
    # Set the state before stopping the ticket: an answer that starts in between sees one or the other.
    session = workspace.change(lambda session: session.with_turn_changed(waiting.id, state="stopped", replaces=None))
    services.running_jobs.stop(waiting.id)
    return session


class AnswerJob(Job[Progress]):
    """Answers one question of the conversation and writes the text into its turn."""

    kind = "answer"

    def __init__(self, services: Services, workspace: Workspace, turn: ChatTurn, settings: SamplingSettings) -> None:
        self.id, self.person = turn.id, workspace.person
        self._model, self._workspace, self._turn, self._settings = services.model, workspace, turn, settings
        self._text = ""
        self._measures: AnswerMeasures | None = None

    def is_wanted(self) -> bool:
        waiting = self._workspace.session.waiting
        return waiting is not None and waiting.id == self.id

    def requests(self) -> Iterator[QuestionRequest]:
        session = self._workspace.session
        if any(turn.id == self.id for turn in session.transcript):  # if not, another picture is in front now
            model = self._model.get()
            # The seed is drawn here so that the turn can store it: with it the answer can be reproduced.
            settings = self._settings.with_longest(model.generation_defaults.max_new_tokens).with_seed()
            request = request_of(session, self._turn, settings)
            is_unreadable = model.abilities.english_only and not is_english(self._turn.typed)
            name = str(getattr(model, "name", ""))
            self._write(places=request.numbers, model=name, settings=settings, is_unreadable=is_unreadable)
            yield request

    def keep(self, place: int, piece: Piece) -> bool:
        if isinstance(piece, AnswerMeasures):
            self._measures = piece
            return True
        assert isinstance(piece, str)
        self._text += piece
        return self._write(answer=self._text)

    def shown(self, phase: Phase) -> Progress | None:
        if phase == "queued":
            return None
        note = {
            "loading": text("chat.waiting_for_model"),
            "waiting": text("chat.place_in_queue", count=self.place) if self.place else text("chat.waiting_in_queue"),
            "opening": text("chat.looking"),
            "writing": "",
        }[phase]
        return Progress(self._workspace.session, note)

    def settle(self, ending: Ending) -> None:
        if ending == "failed" and not self._text:
            self._workspace.change(lambda session: session.with_turn_taken_back(self.id))
            return
        # After a failure half-way, or when the page was closed, the text so far is kept.
        state: TurnState = "stopped"
        if ending == "complete":
            reason = self._measures.finish_reason if self._measures is not None else ""
            state = "length" if reason == "length" else "stopped" if reason == "stopped" else "complete"
        self._write(answer=self._text.strip(), state=state, stats=self._measures, replaces=None)
        self._workspace.change(with_names_from_answers)

    def _write(self, **changes: Any) -> bool:
        """Change the turn in the session; False if it is no longer there."""
        session = self._workspace.change(lambda session: session.with_turn_changed(self.id, **changes))
        return any(turn.id == self.id for turn in session.transcript)
