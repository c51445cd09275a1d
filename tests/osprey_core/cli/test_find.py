"""`find` tells the regions that a phrase fits, and writes them as masks that the program opens again."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osprey_core.cli.commands import main
from osprey_core.cli.loaders import Loaders
from osprey_core.io.mask_files import read_masks
from tests import fakes


def run(*words: object) -> tuple[int, str, str]:
    out, errors = io.StringIO(), io.StringIO()
    loaders: Any = Loaders(lambda options: fakes.FakeModel(), lambda options: fakes.FakeSegmenter())
    code = main([str(word) for word in words], out, errors, loaders)
    return code, out.getvalue(), errors.getvalue()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    fakes.picture().save(tmp_path / "shapes.png")
    return tmp_path / "shapes.png"


def test_what_is_found_is_told_and_written(picture: Path) -> None:
    out = picture.with_name("masks.json")
    code, told, errors = run("find", picture, "red", "--out", out)
    assert (code, errors) == (0, "")
    x0, y0, x1, y1 = fakes.SHAPES["red"][1]
    assert told.split() == ["0.95", f"{x0},{y0},{x1 + 1},{y1 + 1}", str(fakes.shape("red").sum()), "pixels"]
    (named,) = read_masks(out, (270, 360), "shapes.png")
    assert named.name == "red"
    assert (named.mask.mask() == fakes.shape("red")).all()
    values = json.loads(out.read_text())
    assert values["annotations"][0]["score"] == pytest.approx(np.sqrt(0.9 * 0.9 / 0.901), abs=1e-3)
    assert values["info"]["settings"] == {"model": "nano", "phrase": "red", "threshold": 0.5}


def test_nothing_found_is_said(picture: Path) -> None:
    out = picture.with_name("masks.json")
    code, told, _ = run("find", picture, "the elephant", "--out", out)
    assert code == 0
    assert told == "Nothing in the picture looks like “elephant”.\n"
    assert json.loads(out.read_text())["annotations"] == []
    assert run("find", picture, "red", "--threshold", 0.96)[1].startswith("Nothing")


def test_masks_of_a_file_are_searched(picture: Path) -> None:
    out = picture.with_name("masks.json")
    run("find", picture, "blue", "--out", out)
    assert run("find", picture, "blue", "--masks", out)[1].startswith("0.95")
    assert run("find", picture, "red", "--masks", out)[1].startswith("Nothing")


@pytest.mark.parametrize("threshold", ["0", "1.5", "x", "nan"])
def test_a_threshold_outside_its_range_is_refused(picture: Path, threshold: str) -> None:
    code, told, errors = run("find", picture, "red", "--threshold", threshold)
    assert (code, told) == (2, "")
    assert "above 0 and up to 1" in errors


def test_an_empty_phrase_is_refused(picture: Path) -> None:
    code, _, errors = run("find", picture, " ")
    assert code == 2
    assert "Type what to find" in errors
