"""The measurements with many people, against a page with a fake model: they run, and tell right answers from wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import load, people, soak
from tests import fakes

pytestmark = pytest.mark.slow


def test_people_at_the_same_time_get_what_one_alone_gets(tmp_path: Path) -> None:
    out = tmp_path / "load.json"
    with fakes.served(fakes.FakeModel(), fakes.FakeSegmenter(), tmp_path) as address:
        arguments = ["--address", address, "--people", "1", "4", "--questions", "2", "--side", "200"]
        assert load.main([*arguments, "--out", str(out)]) == 0
    rounds = json.loads(out.read_text())["rounds"]
    assert [(each["people"], each["answers"], each["wrong"], each["refused"]) for each in rounds] == [
        (1, 2, 0, []),
        (4, 8, 0, []),
    ]
    assert all(0 < each["p50_seconds"] <= each["p95_seconds"] <= each["longest_seconds"] for each in rounds)


def test_answers_that_differ_are_counted_as_wrong(tmp_path: Path) -> None:
    class Counting(fakes.FakeModel):
        def open(self, image: object) -> fakes.FakeView:
            return CountingView(self, np.array(image))

    class CountingView(fakes.FakeView):
        def stream(self, question: str, *given: Any, **settings: Any) -> fakes.FakeStream:
            return super().stream(f"{len(self.model.calls)} {question}", *given, **settings)

    with fakes.served(Counting(), fakes.FakeSegmenter(), tmp_path) as address:
        out = tmp_path / "load.json"
        arguments = ["--address", address, "--people", "2", "--questions", "2", "--side", "100", "--out", str(out)]
        assert load.main(arguments) == 1
    assert json.loads(out.read_text())["rounds"][0]["wrong"] == 4


def test_a_served_page_is_not_taken_for_one_that_answers_one_after_another(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load.main(["--address", "http://127.0.0.1:1", "--one-at-a-time"])
    assert ended.value.code == 2
    assert "--address" in capsys.readouterr().err.splitlines()[-1]


def test_rounds_are_compared_even_where_all_answers_were_refused() -> None:
    fast, slow = load.Round(4, answers_per_second=3.0), load.Round(4, answers_per_second=1.5)
    assert "2.00 times" in load.compared(fast, slow)
    assert "no answer" in load.compared(fast, load.Round(4, refused=["Busy."] * 4))


def test_growth_of_memory_is_compared_and_fails_beyond_the_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = iter([100.0, 110.0, 150.0, 100.0, 110.0, 120.0])
    monkeypatch.setattr(people.Server, "resident_mb", lambda self: next(memory))
    out = tmp_path / "soak.json"
    with fakes.served(fakes.FakeModel(), fakes.FakeSegmenter(), tmp_path) as address:
        arguments = ["--address", address, "--pictures", "6", "--every", "2", "--compared-with", "2", "--side", "64"]
        assert soak.main([*arguments, "--out", str(out)]) == 1
        assert json.loads(out.read_text())["growth"] == 1.5
        assert json.loads(out.read_text())["curve"] == [[2, 100.0], [4, 110.0], [6, 150.0]]
        assert soak.main(arguments) == 0
