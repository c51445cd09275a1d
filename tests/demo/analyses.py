"""Analyses for the tests of the page: begun and carried out to their end."""

from __future__ import annotations

from collections.abc import Callable

from demo.jobs import analyses
from demo.session.services import Services
from demo.session.session import Analysis, Session
from demo.session.workspace import Workspace


def carried_out(services: Services, workspace: Workspace, make: Callable[[Session], Analysis]) -> Analysis:
    """The analysis once it has ended."""
    analysis = analyses.begin(workspace, make)
    *_, last = analyses.carry_out(services, workspace, analysis.id)
    return last


def answers(analysis: Analysis) -> list[str]:
    """The answers of an analysis that compares some."""
    return [part.answer for part in analysis.parts]
