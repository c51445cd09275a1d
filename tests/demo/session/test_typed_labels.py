"""Vocabularies are those that ship or the person's own labels, and never a file of the serving computer."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.session.typed_labels import chosen_vocabulary
from osprey_core.errors import InputError


def test_a_vocabulary_that_ships_and_an_own_one() -> None:
    assert len(chosen_vocabulary("coco").names) == 133
    assert chosen_vocabulary("own", "red car\ndog, red car").names == ("red car", "dog")
    with pytest.raises(InputError, match="at least two different labels"):
        chosen_vocabulary("own", "dog")


def test_files_of_the_server_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("dog\ncat\n")
    for name in (str(tmp_path / "mine.txt"), "", "COCO", "../coco"):
        with pytest.raises(InputError, match="no such vocabulary"):
            chosen_vocabulary(name)
