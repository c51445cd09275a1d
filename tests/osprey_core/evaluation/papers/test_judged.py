"""Benchmarks with a judge, against a stand-in for one, and captions against the library that scores them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osprey_core.errors import InputError
from osprey_core.evaluation.papers import captions, command, judged
from osprey_core.evaluation.papers.items import Item
from tests.osprey_core.backends.endpoint import stand_in
from tests.osprey_core.evaluation.papers.benchmark_files import box_mask, coded, picture, write, write_lines
from tests.tiny import tiny_osprey


@pytest.fixture
def bench(tmp_path: Path) -> dict[str, Path]:
    """Two questions in Osprey's layout, contexts and answers as Ferret's lines."""
    picture(tmp_path / "pictures" / "000000000009.jpg")
    square = [[10.0, 5.0, 30.0, 5.0, 30.0, 15.0, 10.0, 15.0]]
    questions = [
        {
            "question_id": number,
            "image": "000000000009.jpg",
            "category": category,
            "text": "What is the object <region>?",
            "annotation": {"bbox": [10, 5, 20, 10], "segmentation": square},
        }
        for number, category in enumerate(["refer_desc", "refer_reason"])
    ]
    answers = [{"question_id": number, "text": f"It is a plate ({number})."} for number in range(2)]
    return {
        "data": write(tmp_path / "questions.json", questions),
        "pictures": tmp_path / "pictures",
        "context": write_lines(
            tmp_path / "context.jsonl", [{"image": "000000000009.jpg", "text": "A table with a plate."}]
        ),
        "reference": write_lines(tmp_path / "answer.jsonl", answers),
        "rule": write(tmp_path / "rule.json", {"refer_desc": {"role": "Helper", "prompt": "Rate them."}}),
    }


def items_of(bench: dict[str, Path]) -> list[Item]:
    return judged.read_items(bench["data"], bench["pictures"], bench["context"], bench["reference"], bench["rule"])


def test_questions_meet_their_context_reference_and_rule(bench: dict[str, Path]) -> None:
    first, second = items_of(bench)
    assert first.question == "What is the object <region1>?"
    assert np.array_equal(first.masks()[0], box_mask(5, 10, 15, 30))
    prompt = judged.judge_prompt(first.truth, "A cup.")
    assert prompt == (
        "[Context]\nA table with a plate.\n\n[Question]\nWhat is the object <region>?\n\n"
        "[Helper 1]\nIt is a plate (0).\n\n[End of Helper 1]\n\n[Helper 2]\nA cup.\n\n[End of Helper 2]\n\n"
        "[System]\nRate them.\n\n"
    )
    assert second.truth.rule == judged.JUDGE_RULE
    write_lines(bench["reference"], [{"question_id": 0, "text": "a"}])
    with pytest.raises(InputError, match="Question 1"):
        items_of(bench)


@pytest.mark.parametrize(
    ("review", "scores"),
    [
        ("8 7\nBecause.", (8, 7)),
        ("9, 6.5", (9, 6.5)),
        ("Scores: 8 7", (8, 7)),
        ("I think 8 7", None),
        ("80 70", None),
        ("8", None),
        ("", None),
    ],
)
def test_scores_are_read_from_the_first_line(review: str, scores: tuple[float, float] | None) -> None:
    assert judged.read_scores(review) == scores


def test_the_ratio_by_hand(bench: dict[str, Path]) -> None:
    items = items_of(bench)
    outcome = judged.measure(items, {"0": [8.0, 6.0], "1": None}, "openai:http://a/v1#gpt")
    assert outcome.scores["refer_desc"].value == 75
    assert outcome.scores["refer_reason"].count == 0
    assert "openai:http://a/v1#gpt" in outcome.notes[0]
    assert outcome.notes[1] == "refer_reason: 1 of 1 answers got no scores."


def test_the_released_cut_of_descriptions() -> None:
    assert judged.cut_answer(" region1: a dog: brown ") == " a dog"
    assert judged.cut_answer(" a dog ") == "a dog"


def run(name: str, bench: dict[str, Path], out: Path, *arguments: Any) -> int:
    paths = [word for key, path in bench.items() for word in (f"--{key}", str(path))]
    words = ["tiny", *paths, "--out", str(out), "--max-new-tokens", "5", *map(str, arguments)]
    return command.main(name, words, lambda model, device: tiny_osprey())


def test_ferret_bench_runs_against_a_judge(bench: dict[str, Path], tmp_path: Path) -> None:
    reviews = iter(["no scores", "8 6\nGood.", "10 5"])
    out = tmp_path / "out"
    with stand_in(reply=lambda asked: next(reviews)) as server:
        judge = ("--judge", f"openai:{server.address}#gpt-test")
        assert run("ferret-bench", bench, out, *judge) == 0
        assert len(server.asked) == 3  # the first review was asked for once more
        assert run("ferret-bench", bench, out, *judge) == 0
        assert len(server.asked) == 3  # nothing is asked twice
    found = json.loads((out / "results.json").read_text())
    assert found["scores"]["refer_desc"]["value"] == 75
    assert found["scores"]["refer_reason"]["value"] == 50
    assert "#gpt-test" in (out / "table.md").read_text()
    assert [one["messages"][1]["role"] for one in server.asked] == ["user"] * 3


def test_a_judge_that_refuses_is_told(bench: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with stand_in(troubles=[401]) as server:
        assert run("description", bench, tmp_path / "out", "--judge", f"openai:{server.address}#gpt") == 2
    assert "does not accept the key" in caplog.text


# --- captions


@pytest.fixture
def refcocog(tmp_path: Path) -> Path:
    picture(tmp_path / "pictures" / "000000000009.jpg")
    image = {"file_name": "COCO_train2014_000000000009.jpg", "height": 40, "width": 60}
    return write(
        tmp_path / "refcocog.json",
        {
            "images": [
                {"id": n, **image, "caption": text} for n, text in enumerate(["a red car", "the dog on the left"])
            ],
            "annotations": [
                {"id": 10 + n, "image_id": n, "segmentation": coded(box_mask(3, 3, 20, 20)), "category_id": 1}
                for n in range(2)
            ],
            "categories": [],
        },
    )


def test_captions_are_asked_for_by_region(refcocog: Path) -> None:
    first, second = captions.read_items(refcocog, refcocog.parent / "pictures")
    assert (first.key, first.truth, second.truth) == ("10", "a red car", "the dog on the left")
    assert first.question == "Please give me a short description of <region1>."


def test_a_missing_java_is_told_before_anything_is_asked(
    refcocog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("pycocoevalcap")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    words = ["tiny", "--data", refcocog, "--pictures", refcocog.parent / "pictures", "--out", tmp_path / "out"]
    assert command.main("refcocog", [str(word) for word in words]) == 2
    assert "METEOR needs Java" in caplog.text


@pytest.mark.skipif(shutil.which("java") is None, reason="METEOR needs Java")
def test_caption_scores_are_the_librarys(refcocog: Path) -> None:
    pytest.importorskip("pycocoevalcap")
    from pycocoevalcap.cider.cider import Cider

    items = captions.read_items(refcocog, refcocog.parent / "pictures")
    outcome = captions.measure(items, {"10": "A red car.", "11": "a cat\non the right"})
    # What the tokenizer makes of these texts: lower case, without marks.
    true = {"10": ["a red car"], "11": ["the dog on the left"]}
    said = {"10": ["a red car"], "11": ["a cat on the right"]}
    assert outcome.scores["CIDEr"].value == pytest.approx(100 * Cider().compute_score(true, said)[0])
    # METEOR takes ten seconds to start: what pycocoevalcap 1.2 gives for these texts is written down.
    assert outcome.scores["METEOR"].value == pytest.approx(42.28213, abs=1e-4)
    assert outcome.scores["METEOR"].count == 2
