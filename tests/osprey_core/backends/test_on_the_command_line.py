"""Other models on the command line: names by labels, answers from an endpoint, two models side by side."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from osprey_core.cli.commands import main
from osprey_core.cli.loaders import Loaders, load_model
from tests import fakes
from tests.clip import write_clip
from tests.osprey_core.backends.endpoint import stand_in


def run(*words: object) -> tuple[int, str, str]:
    out, errors = io.StringIO(), io.StringIO()
    loaders: Any = Loaders(load_model, lambda options: fakes.FakeSegmenter())
    code = main([str(word) for word in words], out, errors, loaders)
    return code, out.getvalue(), errors.getvalue()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    fakes.picture().save(tmp_path / "shapes.png")
    return tmp_path / "shapes.png"


@pytest.fixture
def labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Options that name a small CLIP and an own vocabulary."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "mine.txt").write_text("dog\nsea\n")
    clip = write_clip(tmp_path / "clip")
    return ["--model", f"labels:{tmp_path / 'mine.txt'}", "--labels", clip, "--device", "cpu"]


def test_an_endpoint_answers_about_a_click(picture: Path) -> None:
    with stand_in() as served:
        name = f"openai:{served.address}#m"
        code, told, errors = run("ask", picture, "--point", "80,100", "--question", "What is this?", "--model", name)
        assert (code, told, errors) == (0, "a red car\n", "")
        assert served.pictures()[0].shape == np.asarray(Image.open(picture)).shape
        assert run("ask", picture, "--point", "80,100", "--style", "short", "--model", name, "--confidence")[0] == 2
        code, _, errors = run("find", picture, "red", "--model", name)
        assert code == 2
        assert "likely" in errors


def test_two_models_stand_side_by_side(picture: Path, tmp_path: Path, labels: list[object]) -> None:
    out = tmp_path / "captions.json"
    with stand_in() as served:
        name = f"openai:{served.address}#m"
        words = ("describe", picture, "--everything", "--style", "category", "--out", out, *labels)
        code, _, errors = run(*words, "--compare-with", name, "--confidence")
        assert code == 0, errors
    values = json.loads(out.read_text())
    assert len(values["annotations"]) == 3
    for entry in values["annotations"]:
        assert entry["caption"] in ("dog", "sea")
        assert entry["guesses"][0]["name"] == entry["caption"]
        assert entry["compared"] == {"model": name, "caption": "a red car"}
    code, _, errors = run(*words)
    assert code == 2, "begun with another model beside it"
    code, told, _ = run("find", picture, "dog", "--threshold", 0.05, *labels)
    assert code == 0
    assert told


def test_labels_answer_no_question(picture: Path, labels: list[object]) -> None:
    assert run("ask", picture, "--point", "80,100", "--style", "category", *labels)[1].strip() in ("dog", "sea")
    code, _, errors = run("ask", picture, "--point", "80,100", "--question", "What is this?", *labels)
    assert code == 2
    assert "no language model" in errors


def test_a_vocabulary_stands_for_the_clip_alone(picture: Path, tmp_path: Path, labels: list[object]) -> None:
    by_model, by_vocabulary = tmp_path / "model.json", tmp_path / "vocabulary.json"
    clip = labels[2:]
    words = ("describe", picture, "--everything", "--out")
    assert run(*words, by_model, *labels)[0] == 0, "a CLIP alone is asked for the category"
    assert run(*words, by_vocabulary, "--vocabulary", tmp_path / "mine.txt", *clip)[0] == 0
    first, second = (json.loads(out.read_text()) for out in (by_model, by_vocabulary))
    assert first["annotations"] == second["annotations"]
    assert {entry["caption"] for entry in second["annotations"]} <= {"dog", "sea"}
    code, _, errors = run(*words, by_model, "--vocabulary", "coco", *labels)
    assert code == 2
    assert "leave out --model" in errors
    assert run(*words, by_model, "--vocabulary", "coco", "--style", "short", *clip)[0] == 2
