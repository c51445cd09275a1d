"""The benchmark program runs through on a tiny model and writes what it promises; what it finds is not judged here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.estimate import CARDS, estimate
from benchmarks.table import BEGIN, END, table_of, written_into
from benchmarks.table import main as write_table
from benchmarks.timing import compare
from osprey_core.config import OspreyConfig


@pytest.mark.slow
def test_a_small_run_writes_figures_a_plot_and_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    words = f"--shape tiny --only abcdeghklmnop --repeats 1 --new-tokens 2 --regions 1 3 --out {tmp_path}"
    assert main(words.split()) == 0
    report = json.loads((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))
    found = {one["key"]: one for one in report["measures"]["tiny"]}
    wanted = "a-float32 b-1 c d e-1 e-3 e-3-cached g-bfloat16 h k l m n o o-thread"
    assert set(wanted.split()) <= set(found)
    assert all(one["times_faster"] > 0 for one in found.values())
    assert set(report["drift from float32"]["tiny"]) == {"bfloat16", "int8", "bfloat16 with int8"}
    assert all(0 <= one["logit_error"] < 0.5 for one in report["drift from float32"]["tiny"].values())
    report["measures"]["nano"] = report["measures"].pop("tiny")
    report["drift from float32"]["nano"] = report["drift from float32"].pop("tiny")
    assert "first token, cached" in table_of(report)
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


ROOT = Path(__file__).parents[2]
KEPT = ROOT / "benchmarks/results/benchmarks.json"


def measured(key: str, ours: float, other: float) -> dict[str, object]:
    return {"key": key, "ours": {"seconds": ours}, "other": {"seconds": other}, "times_faster": other / ours}


REPORT = {
    "machine": {"cores": 2},
    "repeats": 3,
    "measures": {
        "nano": [measured("b-1", 0.007, 0.024), measured("i", 2.42, 6.73), measured("k", 0.03, 0.0042)],
        "wide": [measured("b-1", 0.5, 11.46), measured("e-64", 30.04, 899.0), measured("h", 0.1, 0.19)],
    },
    "drift from float32": {"nano": {"int8": {"same_tokens": 0.996, "same_answers": 0.9375, "logit_error": 0.012}}},
    "estimates, nothing measured": [
        {
            "card": "H100",
            "baseline_first_token": 0.05,
            "cached_first_token": 0.006,
            "tokens_per_second": 171.6,
            "regions_per_second": 1234.0,
        }
    ],
}


def test_the_table_says_what_the_report_says_and_rounds_nothing_up() -> None:
    table = table_of(REPORT)
    assert "Measured on 2 CPU cores" in table
    rows = {line.split(" | ")[0].strip("| "): line for line in table.splitlines() if line.startswith("| ")}
    assert "| 7 ms | 24 ms | 3.4 | 500 ms | 11.5 s | 22 |" in rows["second question on a region, first token"]
    assert "| – | – | – | 30.0 s | 899.0 s | 29 |" in rows["64 regions described"]
    assert "tenth turn, first token" not in rows
    assert rows["answers with int8 weights against bfloat16"].split(" | ")[1:] == ["–", "1.9 |"]
    assert "reaches with its weights: 14 %" in table
    assert "2.4 s until the page is built, 6.7 s with" in table
    assert "| 99 % | 93 % | 1.2 % |" in rows["int8 (osprey-nano)"]
    before, _, estimated = table.partition("**Paper estimate, nothing measured**")
    assert "H100" in estimated
    assert "H100" not in before
    assert "| H100 | 50 ms | 6 ms | 170 | 1200 |" in estimated


def test_the_table_is_written_between_its_marks(tmp_path: Path) -> None:
    page, report = tmp_path / "README.md", tmp_path / "benchmarks.json"
    report.write_text(json.dumps(REPORT), encoding="utf-8")
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    for _ in range(2):
        assert write_table([str(report), "--write", str(page)]) == 0
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\n{table_of(REPORT)}{END}\nafter\n"
    with pytest.raises(ValueError, match="add both where"):
        written_into("no marks", "table")


@pytest.mark.skipif(not KEPT.is_file(), reason="no figures are kept here")
def test_the_kept_table_is_that_of_the_kept_figures() -> None:
    text = (ROOT / "docs/speed.md").read_text(encoding="utf-8")
    assert written_into(text, table_of(json.loads(KEPT.read_text(encoding="utf-8")))) == text
