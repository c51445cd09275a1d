"""Labels scored by the model's own likelihood."""

from __future__ import annotations

from typing import Any

import pytest

from demo.analysis.label_scores import new_label_scores, read_labels
from demo.analysis.panel import analysis_payload
from demo.session.regions import show_region
from demo.session.services import Services
from demo.session.workspace import Workspace
from demo.shared.lazy_resource import LazyResource
from osprey_core.analysis.label_likelihood import score_labels
from osprey_core.errors import InputError
from tests import fakes
from tests.demo.analyses import carried_out
from tests.tiny import tiny_osprey


def test_labels_of_every_region_are_judged_by_the_models_likelihood(workspace: Workspace) -> None:
    tiny = tiny_osprey()
    services = Services(model=LazyResource.of(tiny, "tiny"), segmenter=LazyResource.of(fakes.FakeSegmenter()))
    analysis = carried_out(
        services, workspace, lambda s: new_label_scores(s, "a cat\n dog, a cat,\n\nthe thing", "all")
    )
    view = tiny.open(fakes.picture())
    for part, name in zip(analysis.parts, ("red", "blue"), strict=True):
        expected = score_labels(view, fakes.shape(name), ["a cat", "dog", "the thing"])
        assert part.scores == expected
    shown = analysis_payload(workspace.session, analysis)
    assert [part["number"] for part in shown["parts"]] == [1, 2]
    first = shown["parts"][0]
    assert sum(one["share"] for one in first["labels"]) == pytest.approx(1)
    assert first["labels"] == sorted(first["labels"], key=lambda one: -one["share"])
    assert first["unsure"], "a model of noise does not say any of these"
    assert first["off"]


def test_hidden_regions_are_left_out_and_one_can_be_chosen(workspace: Workspace) -> None:
    hidden = show_region(workspace.session, 2, False)
    assert [each.number for each in new_label_scores(hidden, "a, b", "all").regions] == [1]
    assert [each.number for each in new_label_scores(hidden, "a, b", "selected").regions] == [2]
    with pytest.raises(InputError, match="All regions are hidden"):
        new_label_scores(show_region(hidden, 1, False), "a, b", "all")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("cat, dog", ("cat", "dog")),
        ("cat\ndog\n", ("cat", "dog")),
        ("  a   red cat ;dog,dog, ", ("a red cat", "dog")),
        ("猫、犬，鳥", ("猫", "犬", "鳥")),
        (["one, two", "three"], ("one, two", "three")),
    ],
)
def test_lists_of_labels_are_read_as_they_are_typed(typed: Any, found: tuple[str, ...]) -> None:
    assert read_labels(typed) == found


@pytest.mark.parametrize("typed", ["", "cat", "cat, cat", None, 5, [1, 2]])
def test_a_list_needs_two_labels(typed: Any) -> None:
    with pytest.raises(InputError, match="at least two different labels"):
        read_labels(typed)


def test_a_list_without_end_is_refused() -> None:
    with pytest.raises(InputError, match="longer than 20000 characters"):
        read_labels("long label\n" * 4000)
