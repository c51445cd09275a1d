"""Messages from the panel's script: one type for each kind of analysis."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from demo.shared.messages import ScriptMessage


class LabelScoresMessage(ScriptMessage):
    """Labels to score. `labels` is text with one label per line or comma."""

    kind: Literal["labels"]
    labels: str
    which: Literal["all", "selected"]
    rank_by: Literal["sum", "mean"]


class QuestionMessage(ScriptMessage):
    """A question to answer with and without the region, or by two models; empty repeats the last question."""

    kind: Literal["without", "models"]
    question: str = ""


class SamplesMessage(ScriptMessage):
    """A question to answer several times. The numbers arrive as typed text."""

    kind: Literal["samples"]
    question: str = ""
    count: str
    temperature: str


class SimilarityMapsMessage(ScriptMessage):
    """Request for maps of the encoder features' similarity to the selected region."""

    kind: Literal["inside"]


AnalysisMessage = LabelScoresMessage | QuestionMessage | SamplesMessage | SimilarityMapsMessage

_MESSAGE: TypeAdapter[AnalysisMessage] = TypeAdapter(Annotated[AnalysisMessage, Field(discriminator="kind")])


class StopMessage(ScriptMessage):
    """Request to stop the analysis of this kind."""

    kind: str


def read_message(value: Any) -> AnalysisMessage:
    """Parse a message that requests an analysis. Raises InputError if it matches no kind."""
    try:
        return _MESSAGE.validate_python(value)
    except ValidationError:
        raise ScriptMessage.refusal() from None
