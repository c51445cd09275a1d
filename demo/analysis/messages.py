"""What the panel's script sends: which analysis is wanted, one typed message for each kind."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from demo.shared.messages import ScriptMessage


class LabelScoresMessage(ScriptMessage):
    """Labels to be judged. `labels` is text, one per line or parted by commas."""

    kind: Literal["labels"]
    labels: str
    which: Literal["all", "selected"]
    rank_by: Literal["sum", "mean"]


class QuestionMessage(ScriptMessage):
    """A question to be answered with and without the region, or by two models; empty for the last one."""

    kind: Literal["without", "models"]
    question: str = ""


class SamplesMessage(ScriptMessage):
    """A question to be answered several times. The numbers come as they were typed."""

    kind: Literal["samples"]
    question: str = ""
    count: str
    temperature: str


class SimilarityMapsMessage(ScriptMessage):
    """Where the encoder finds the picture like the selected region."""

    kind: Literal["inside"]


AnalysisMessage = LabelScoresMessage | QuestionMessage | SamplesMessage | SimilarityMapsMessage

_MESSAGE: TypeAdapter[AnalysisMessage] = TypeAdapter(Annotated[AnalysisMessage, Field(discriminator="kind")])


class StopMessage(ScriptMessage):
    """The analysis of this kind is to end."""

    kind: str


def read_message(value: Any) -> AnalysisMessage:
    """Which analysis is wanted. Raises InputError if the message is of no kind."""
    try:
        return _MESSAGE.validate_python(value)
    except ValidationError:
        raise ScriptMessage.refusal() from None
