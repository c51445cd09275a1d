"""A name's confidence on the command line and in the record."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osprey_core.cli.ask import named_in_words
from osprey_core.cli.commands import main
from osprey_core.cli.loaders import Loaders, load_segmenter_for
from osprey_core.io.export import read_conversation
from osprey_core.region_model import Guess, NamedRegion
from osprey_core.view import View
from tests.tiny import tiny_osprey

NAMED = NamedRegion((Guess("dog", 0.8, 0.83), Guess("cat", 0.1, 0.09), Guess("horse", 0.05, 0.02)), 0.5)


def test_a_sure_and_an_unsure_name_in_words() -> None:
    assert named_in_words(NAMED) == "dog (83 %); cat (9 %), horse (2 %)"
    assert named_in_words(NAMED._replace(unsure_below=0.9)) == "Not sure: dog (83 %)?; cat (9 %), horse (2 %)"
    assert named_in_words(NamedRegion(NAMED.guesses[:1], 0.5)) == "dog (83 %)"
    assert "no name" in named_in_words(NamedRegion((), 0.5))


def test_the_command_tells_the_confidence_and_records_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View, "name", lambda self, mask: NAMED)
    image = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    mask = np.zeros((60, 80), np.uint8)
    mask[10:40, 10:50] = 255
    Image.fromarray(mask).save(tmp_path / "m.png")
    out, errors = io.StringIO(), io.StringIO()
    loaders = Loaders(lambda options: tiny_osprey(), load_segmenter_for)
    words = ["ask", str(tmp_path / "a.png"), "--style", "category", "--mask", str(tmp_path / "m.png")]
    assert main([*words, "--confidence", "--save", str(tmp_path / "c.zip")], out, errors, loaders) == 0, (
        errors.getvalue()
    )
    assert out.getvalue().splitlines()[-1] == named_in_words(NAMED)
    measures = read_conversation(tmp_path / "c.zip").turns[0].measures
    assert measures is not None
    assert (measures.confidence, measures.second_guess, measures.third_confidence) == (0.83, "cat", 0.02)
    assert measures.guesses == (("dog", 0.83), ("cat", 0.09), ("horse", 0.02))
    assert not measures.is_unsure
    plain = io.StringIO()
    assert main(words, plain, errors, loaders) == 0
    assert named_in_words(NAMED) not in plain.getvalue()
