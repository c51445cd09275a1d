"""Sessions for the tests of the page: a small picture as a file, questions that are asked and answered."""

from __future__ import annotations

import io

from demo.jobs.answers import answer
from demo.session import conversation
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from osprey_core.language.sampling import SamplingSettings
from tests import fakes


def png(image: object = None) -> bytes:
    """A PNG file of this picture, by default of the three shapes."""
    buffer = io.BytesIO()
    (image or fakes.picture()).save(buffer, "PNG")  # type: ignore[attr-defined]
    return buffer.getvalue()


def answered(services: Services, session: Session, settings: SamplingSettings | None = None) -> Session:
    """The session once the question that waits has been answered."""
    workspace = Workspace()
    workspace.change(lambda _: session)
    for _ in answer(services, workspace, settings or SamplingSettings()):
        pass
    return workspace.session


def asked(services: Services, session: Session, question: str) -> Session:
    """The session with this question and its answer."""
    return answered(services, conversation.ask(session, question))
