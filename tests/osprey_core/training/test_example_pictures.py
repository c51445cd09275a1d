"""The example pictures' generator: what still holds stays, what does not is drawn again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osprey_core.errors import InputError
from osprey_core.language.prompts import QUESTIONS
from osprey_core.training import examples

pytestmark = pytest.mark.slow


class Namer:
    """Names the region in which a listed point lies, as the model would that knows everything."""

    def __init__(self, manifest: Path) -> None:
        self.regions = json.loads(manifest.read_text("utf-8"))[0]["regions"]
        self.is_blind = False

    def open(self, image: Any) -> Namer:
        return self

    def ask(self, question: str, masks: list[Any]) -> str:
        (name,) = (r["name"] for r in self.regions if np.asarray(masks[0])[r["point"][1], r["point"][0]])
        if self.is_blind:
            return "whale"
        return str(name) if question == QUESTIONS["category"] else f"a {name} in a picture"


def test_pictures_that_still_hold_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    atlas, out = tmp_path / "atlas.npz", tmp_path / "out"
    village = next(theme for theme in examples.THEMES if not theme.things)
    monkeypatch.setattr(examples, "THEMES", (village,))
    monkeypatch.setattr(examples, "load_atlas", lambda path: examples.Atlas({}))
    command = ["--atlas", str(atlas), "--out", str(out)]
    examples.main([*command, "--model", ""])
    files = {path.name: path.read_bytes() for path in out.iterdir()}
    assert set(files) == {village.file, "scenes.json"}

    namer = Namer(out / "scenes.json")
    monkeypatch.setattr(examples.Osprey, "from_pretrained", lambda *names: namer)
    examples.main([*command, "--seed", "77"])
    assert {path.name: path.read_bytes() for path in out.iterdir()} == files

    namer.is_blind = True
    monkeypatch.setattr(examples, "MAX_ATTEMPTS", 2)
    with pytest.raises(InputError, match="choose other things"):
        examples.main([*command, "--seed", "77"])
    assert {path.name: path.read_bytes() for path in out.iterdir()} == files
