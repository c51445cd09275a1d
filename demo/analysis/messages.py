"""What the panel's script sends: what is to be looked at, one typed message for each kind of look."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from demo.shared.messages import ScriptMessage


class LabelsLook(ScriptMessage):
    """Labels to be judged. `labels` is text, one per line or parted by commas."""

    kind: Literal["labels"]
    labels: str
    which: Literal["all", "selected"]
    rank_by: Literal["sum", "mean"]


class QuestionLook(ScriptMessage):
    """A question to be answered with and without the region, or by two models; empty for the last one."""

    kind: Literal["without", "models"]
    question: str = ""


class SamplesLook(ScriptMessage):
    """A question to be answered several times. The numbers come as they were typed."""

    kind: Literal["samples"]
    question: str = ""
    count: str
    temperature: str


class InsideLook(ScriptMessage):
    """Where the encoder finds the picture like the selected region."""

    kind: Literal["inside"]


Look = LabelsLook | QuestionLook | SamplesLook | InsideLook

_LOOK: TypeAdapter[Look] = TypeAdapter(Annotated[Look, Field(discriminator="kind")])


class StopLook(ScriptMessage):
    """The look of this kind is to end."""

    kind: str


def read_look(value: Any) -> Look:
    """What is to be looked at. Raises InputError if this is none of the looks."""
    try:
        return _LOOK.validate_python(value)
    except ValidationError:
        raise ScriptMessage.refusal() from None
