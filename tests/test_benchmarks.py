"""The benchmark program runs through on a tiny model and writes what it promises; what it finds is not judged here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.estimate import CARDS, estimate
from benchmarks.timing import compare
from osprey_core.config import OspreyConfig


@pytest.mark.slow
def test_a_small_run_writes_figures_a_plot_and_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    words = f"--shape tiny --only abcdeghk --repeats 1 --new-tokens 2 --regions 1 3 --out {tmp_path}"
    assert main(words.split()) == 0
    report = json.loads((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))
    found = {one["key"]: one for one in report["measures"]["tiny"]}
    assert {"a-float32", "b-1", "c", "d", "e-1", "e-3", "e-3-cached", "g-bfloat16", "h", "k"} <= set(found)
    assert all(one["times_faster"] > 0 for one in found.values())
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["tiny"].keys() == found.keys()
    pytest.importorskip("matplotlib")
    assert (tmp_path / "benchmarks.png").stat().st_size > 1000


def test_both_ways_run_in_turns_and_the_first_round_does_not_count() -> None:
    order: list[str] = []
    ours, other = ("ours", lambda n: order.append(f"a{n}")), ("other", lambda n: order.append(f"b{n}"))
    found = compare("x", "title", ours, other, repeats=2, scaled_by=3.0)
    assert order == ["b0", "a0", "b1", "a1", "b2", "a2"]
    assert found.times_faster == found.other.seconds / found.ours.seconds


def test_an_unknown_measure_is_refused(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "az"])
    assert "there is no measure z" in capsys.readouterr().err


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_the_paper_estimate_is_of_the_right_order(card: object) -> None:
    """The published model has 6.6 billion decoder weights and 0.5 MB of keys and values for each position."""
    found = estimate(OspreyConfig(), card)  # type: ignore[arg-type]
    assert 500 < found.picture_cache_mb < 560
    assert 40 < found.tokens_per_second < 200
    assert found.cached_first_token < found.baseline_first_token
