"""Errors keep their code and values wherever they go, and are told in every language."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from osprey_core import errors, i18n
from osprey_core.errors import ContextOverflowError, InputError, ModelNotFoundError, OspreyError

CATALOGUES = {
    "en": {"zoo": {"lion_away": "The lion {name} is away: {reason}", "days": ["no day", "{count} days"]}},
    "ko": {"zoo": {"lion_away": "{reason} 사자 {name}", "days": ["없음", "{count}일"]}},
    "zh": {"zoo": {"days": ["没有", "{count} 天"]}},
}


@pytest.fixture(autouse=True)
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Catalogues of a test, beside the core's."""
    for language, catalogue in CATALOGUES.items():
        (tmp_path / f"{language}.json").write_text(json.dumps(catalogue), encoding="utf-8")
    monkeypatch.setattr(i18n, "_folders", list(i18n._folders))
    i18n.add_catalogue(tmp_path)
    yield
    i18n.texts.cache_clear()


def test_an_error_is_told_in_each_language() -> None:
    error = InputError("zoo.lion_away", name="Leo", reason="ill")
    assert str(error) == error.render("en") == "The lion Leo is away: ill"
    assert error.render("ko") == "ill 사자 Leo"
    assert error.render("zh") == error.render("xx") == str(error), "what a translation lacks is English"
    assert (error.code, error.params) == ("zoo.lion_away", {"name": "Leo", "reason": "ill"})


def test_what_is_filled_in_is_told_in_the_same_language() -> None:
    inner = InputError("zoo.days.1", count=3)
    assert InputError("zoo.lion_away", name="Leo", reason=inner).render("ko") == "3일 사자 Leo"
    assert str(InputError("zoo.lion_away", name="Leo", reason=inner.message)) == "The lion Leo is away: 3 days"
    assert InputError("zoo.days.0").render("zh") == "没有"


@pytest.mark.parametrize("kind", [InputError, errors.CheckpointError, ModelNotFoundError, ContextOverflowError])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_copies_of_an_error_are_whole(kind: type[OspreyError], copied: object) -> None:
    error = kind("zoo.lion_away", name="{braces}", reason=InputError("zoo.days.1", count=3))
    error.add_note("seen at noon")
    again = copied(error)  # type: ignore[operator]
    assert type(again) is kind
    assert str(again) == str(error) == "The lion {braces} is away: 3 days"
    assert again.render("ko") == error.render("ko")
    assert again.__notes__ == ["seen at noon"]


def test_a_code_that_no_catalogue_has_is_told_as_it_is() -> None:
    assert str(OspreyError("zoo.{tiger}")) == "zoo.{tiger}"
