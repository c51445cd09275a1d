"""What the script of the closer looks may send."""

from __future__ import annotations

from typing import Any

import pytest

from demo.analysis.messages import LabelScoresMessage, QuestionMessage, SamplesMessage, read_message
from osprey_core.errors import InputError


def test_looks_are_read_as_the_script_sends_them() -> None:
    labels = read_message({"kind": "labels", "labels": "a, b", "which": "all", "rank_by": "mean"})
    assert isinstance(labels, LabelScoresMessage)
    assert (labels.labels, labels.which, labels.rank_by) == ("a, b", "all", "mean")
    samples = read_message({"kind": "samples", "question": "What?", "count": "4", "temperature": "0.8"})
    assert isinstance(samples, SamplesMessage)
    assert (samples.count, samples.temperature) == ("4", "0.8")
    for kind in ("without", "models"):
        assert isinstance(read_message({"kind": kind, "question": ""}), QuestionMessage)
    assert read_message({"kind": "inside"}).kind == "inside"


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "labels",
        {},
        {"kind": "outside"},
        {"kind": "labels", "labels": None, "which": "all", "rank_by": "sum"},
        {"kind": "labels", "labels": "a, b", "which": "some", "rank_by": "sum"},
        {"kind": "labels", "labels": "a, b", "which": "all", "rank_by": "luck"},
        {"kind": "without", "question": 5},
        {"kind": "samples", "question": "What?", "count": 1.5, "temperature": "1"},
        {"kind": "samples", "question": "What?", "count": "4", "temperature": None},
    ],
)
def test_anything_else_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError, match="no such choice"):
        read_message(wrong)
