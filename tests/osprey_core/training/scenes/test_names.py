"""The vocabulary's file: every name once, every emoji a code point, every noun phrase countable."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from osprey_core.language.wording import plural, with_article
from osprey_core.training.scenes import names
from osprey_core.training.scenes.names import things


def test_every_thing_has_names_a_group_and_emoji() -> None:
    vocabulary = things()
    assert len(vocabulary) == 736
    for name, thing in vocabulary.items():
        assert thing.name == name
        assert thing.group
        assert thing.code_points
        assert all(re.fullmatch(r"[0-9A-F]{4,5}(-[0-9A-F]{4,5})*", points) for points in thing.code_points), name
        assert all(words == words.strip() and words for words in (name, thing.noun, *thing.synonyms))
        assert name not in thing.synonyms


def test_an_emoji_shows_one_thing_alone() -> None:
    counts = Counter(points for thing in things().values() for points in thing.code_points)
    assert [points for points, count in counts.items() if count > 1] == []


def test_nouns_can_be_counted() -> None:
    assert with_article(things()["socks"].noun) == "a pair of socks"
    assert plural(things()["socks"].noun) == "pairs of socks"
    assert plural("person") == "people"


def test_a_name_listed_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "things.json"
    path.write_text(
        '{"animal": [{"name": "cat", "code_points": ["1F408"]}, {"name": "cat", "code_points": ["1F431"]}]}'
    )
    monkeypatch.setattr(names, "THINGS_FILE", path)
    things.cache_clear()
    try:
        with pytest.raises(ValueError, match="'cat' twice"):
            things()
    finally:
        things.cache_clear()
