"""A question without the conversation before it, for analyses that compare answers.

Without history, answers differ only in what the analysis varies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from demo.jobs.requests import QuestionRequest, request_of
from demo.session.conversation import ask, preset_question
from demo.session.session import RegionSnapshot, Session
from osprey_core.language.sampling import SamplingSettings


@dataclass(frozen=True)
class SingleQuestion:
    """A question, the regions it is about, and the model request."""

    text: str
    regions: tuple[RegionSnapshot, ...]
    request: QuestionRequest

    @classmethod
    def of(cls, session: Session, typed: str, settings: SamplingSettings) -> SingleQuestion:
        """The question as typed; if empty, the conversation's last question, or else a request for a short description.

        Raises InputError if it cannot be asked.
        """
        without_conversation = replace(session, transcript=())
        if not typed.strip():
            last = session.transcript[-1:]
            typed = last[0].typed if last else preset_question(without_conversation, "short")
        turn = ask(without_conversation, typed).transcript[-1]
        return cls(turn.typed, turn.regions, request_of(without_conversation, turn, settings))
