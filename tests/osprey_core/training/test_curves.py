"""Learning curves: read from a run's log, drawn as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from osprey_core.errors import InputError
from osprey_core.training import curves
from osprey_core.training.config import LOG_FILE


def write_log(folder: Path, *entries: dict[str, Any]) -> Path:
    (folder / LOG_FILE).write_text("\n".join(map(json.dumps, entries)) + '\n{"stage": "b", "st')
    return folder


def entry(stage: str, step: int, loss: float, **more: float) -> dict[str, Any]:
    return {"stage": stage, "step": step, "loss": loss, "token_accuracy": 0.5, "row_accuracy": 0.1, **more}


def test_curves_put_stages_in_a_row_and_take_what_was_logged_last(tmp_path: Path) -> None:
    log = [entry("a", 20, 3.0), entry("a", 40, 2.0), entry("a", 20, 2.5), entry("a", 40, 1.5), entry("b", 20, 1.0)]
    read = curves.read_curves(write_log(tmp_path, *log, {"stage": "b", "step": 20, "held_out": 0.6}))
    assert read.stages == [("a", 0), ("b", 40)]
    assert read.points["loss"] == [(20, 2.5), (40, 1.5), (60, 1.0)]
    assert read.points["held_out"] == [(60, 0.6)]
    assert read.steps == 60


def test_curves_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    log = [entry("a", 20 * k, 3.0 / k) for k in range(1, 30)] + [entry("b", 20, 0.1), entry("b", 40, 0.1)]
    write_log(tmp_path, *log, {"stage": "b", "step": 40, "held_out": 0.6})
    assert curves.main([str(tmp_path), "--out", str(tmp_path / "plots" / "curves.png")]) == 0
    picture = np.asarray(Image.open(tmp_path / "plots" / "curves.png").convert("RGB"))
    assert picture.shape == (704, 1100, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50
    assert curves.main([str(tmp_path), "--out", str(tmp_path / "curves.docx")]) == 2


def test_a_folder_without_a_log_has_no_curves(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no log"):
        curves.read_curves(tmp_path)
    (tmp_path / LOG_FILE).write_text("")
    with pytest.raises(InputError, match="no figures yet"):
        curves.read_curves(tmp_path)


def test_smoothing_is_the_mean_of_the_neighbours() -> None:
    assert curves.smooth([1.0, 2.0, 6.0, 3.0], 3) == [1.5, 3.0, pytest.approx(11 / 3), 4.5]
    assert curves.smooth([], 3) == []
