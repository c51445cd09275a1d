"""Opening pictures and examples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demo.session.examples import find_examples
from demo.session.pictures import open_picture
from demo.session.services import Services
from demo.session.session import Session
from osprey_core.errors import InputError
from tests import fakes
from tests.demo.sessions import png


def test_a_new_picture_starts_anew_and_a_bad_one_changes_nothing(services: Services, two: Session) -> None:
    with pytest.raises(InputError):
        open_picture(b"no picture", "x.png")
    fresh = open_picture(png(), "again.png")
    assert fresh.regions == fresh.transcript == fresh.undo == ()


def test_examples_come_by_name_with_their_titles(tmp_path: Path) -> None:
    for name in ("b_second.png", "a_first.png"):
        fakes.picture().save(tmp_path / name)
    (tmp_path / "scenes.json").write_text(json.dumps([{"file": "b_second.png", "title": "Two", "questions": ["Why?"]}]))
    first, second = find_examples(tmp_path)
    assert (first.title, second.title, second.questions) == ("A first", "Two", ("Why?",))
    (tmp_path / "scenes.json").write_text("{broken")
    assert [example.title for example in find_examples(tmp_path)] == ["A first", "B second"]
    assert find_examples(tmp_path / "nowhere") == ()
