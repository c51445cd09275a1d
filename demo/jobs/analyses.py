"""Analyses of regions: begin one, carry it out, stop it.

An `Analysis` is a value in the person's session, so it disappears with its picture. Its kinds are defined in
`demo.analysis`; this module depends on none of them and on no Gradio component.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from demo.jobs.decoding import Decode, decode
from demo.jobs.requests import AnalysisResult, AnyRequest, Piece, QuestionRequest, Step
from demo.jobs.run import Ending, Job, Phase, run
from demo.session.services import Services
from demo.session.session import Analysis, AnswerMeasures, Session
from demo.session.workspace import Workspace


@dataclass(frozen=True)
class AnswerVariant:
    """One of several answers to one question, and the condition under which it was given."""

    how: str
    """Identifier of the condition, such as "without" or "sample"."""
    model: str = ""
    seed: int | None = None
    answer: str = ""
    stats: AnswerMeasures | None = None
    """Known once the answer is complete or stopped."""


def begin(workspace: Workspace, make: Callable[[Session], Analysis]) -> Analysis:
    """Add the analysis that `make` creates to the session, waiting; it replaces the last one of its kind."""
    analysis = make(workspace.session)
    workspace.change(lambda session: session.with_analysis(analysis))
    return analysis


def carry_out(
    services: Services, workspace: Workspace, analysis_id: int, decode: Decode = decode, interval: float = 0.1
) -> Iterator[Analysis]:
    """Carry out the analysis with this id, and yield its partial results, at most every `interval` seconds.

    Does nothing if it was stopped while queued, or has been removed (another picture, a newer analysis of its kind).
    Ends at the model's next token once it is stopped or removed. Results before an error stay.
    """
    analysis = _current(workspace, analysis_id)
    if analysis is None or analysis.state != "waiting":
        return
    yield from run(services, AnalysisJob(workspace, analysis), decode, interval)
    analysis = _current(workspace, analysis_id)
    if analysis is not None:
        yield analysis


def stop(services: Services, workspace: Workspace, kind: str | None = None) -> None:
    """End the analysis of this kind (by default all), whether it is running or queued."""
    for analysis in workspace.session.analyses:
        if analysis.state in ("waiting", "running") and kind in (None, analysis.kind):
            # Set the state before stopping the ticket: an analysis that starts in between sees one or the other.
            _write(workspace, analysis.id, state="stopped")
            services.running_jobs.stop(analysis.id)


class AnalysisJob(Job[Analysis]):
    """Runs the requests of one analysis in order and writes their results into the session's analysis."""

    kind = "analysis"
    is_long = True

    def __init__(self, workspace: Workspace, analysis: Analysis) -> None:
        self.id, self.person = analysis.id, workspace.person
        self._workspace, self._requests = workspace, analysis.requests
        self.asks_second_model = any(
            isinstance(request, QuestionRequest) and request.second for request in analysis.requests
        )

        self.uses_clip = any(getattr(request, "uses_clip", False) for request in analysis.requests)

    def is_wanted(self) -> bool:
        analysis = _current(self._workspace, self.id)
        return analysis is not None and analysis.state in ("waiting", "running")

    def requests(self) -> tuple[AnyRequest, ...]:
        return self._requests if _write(self._workspace, self.id, state="running") else ()

    def keep(self, place: int, piece: Piece) -> bool:
        analysis = _current(self._workspace, self.id)
        if isinstance(piece, Step):
            return analysis is not None
        return analysis is not None and bool(
            _write(self._workspace, self.id, parts=_with_piece(analysis.parts, place, piece))
        )

    def shown(self, phase: Phase) -> Analysis | None:
        return _current(self._workspace, self.id) if phase in ("waiting", "writing") else None

    def settle(self, ending: Ending) -> None:
        _write(self._workspace, self.id, state="complete" if ending == "complete" else "stopped")


def _with_piece(parts: tuple[Any, ...], place: int, piece: Any) -> tuple[Any, ...]:
    """The parts with one more piece: text or measures of the answer at index `place`, or a new result."""
    if isinstance(piece, AnalysisResult):
        return (*parts, piece)
    variant: AnswerVariant = parts[place]
    if isinstance(piece, AnswerMeasures):
        extended = replace(variant, answer=variant.answer.strip(), stats=piece)
    else:
        extended = replace(variant, answer=variant.answer + piece)
    return (*parts[:place], extended, *parts[place + 1 :])


def _current(workspace: Workspace, analysis_id: int) -> Analysis | None:
    return next((analysis for analysis in workspace.session.analyses if analysis.id == analysis_id), None)


def _write(workspace: Workspace, analysis_id: int, **changes: Any) -> Analysis | None:
    """Change the analysis in the session and return it; None if it is no longer there."""

    def change(session: Session) -> Session:
        analyses = tuple(
            replace(analysis, **changes) if analysis.id == analysis_id else analysis for analysis in session.analyses
        )
        return replace(session, analyses=analyses)

    workspace.change(change)
    return _current(workspace, analysis_id)
