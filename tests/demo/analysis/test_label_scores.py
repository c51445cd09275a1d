"""Labels scored by the model's own likelihood."""

from __future__ import annotations

from typing import Any

import pytest

from demo.analysis.label_scores import RegionClipScores, RegionLabelScores, new_label_scores
from demo.analysis.panel import analysis_payload
from demo.session.regions import show_region
from demo.session.services import Services
from demo.session.typed_labels import read_labels
from demo.session.workspace import Workspace
from demo.shared.lazy_resource import LazyResource
from osprey_core.analysis import clip_labels
from osprey_core.analysis.label_likelihood import score_labels
from osprey_core.errors import InputError, ModelNotFoundError
from osprey_core.region_model import Abilities
from tests import fakes
from tests.clip import loaded_clip
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


class Remote(fakes.FakeModel):
    """A model behind an endpoint."""

    @property
    def abilities(self) -> Abilities:
        return Abilities(likelihood=False)


def services_with(model: Any, clip: LazyResource[Any]) -> Services:
    segmenter = LazyResource.of(fakes.FakeSegmenter())
    return Services(model=LazyResource.of(model, model.name), segmenter=segmenter, clip=clip)


def test_a_clips_scores_stand_beside_the_models(workspace: Workspace) -> None:
    services = services_with(tiny_osprey(), LazyResource.of(loaded_clip(), "clip"))
    analysis = carried_out(services, workspace, lambda s: new_label_scores(s, "a cat, dog", "all"))
    masks = [fakes.shape("red"), fakes.shape("blue")]
    expected = clip_labels.score_labels(loaded_clip().open(fakes.picture()), masks, ["a cat", "dog"])
    parts = [part for part in analysis.parts if isinstance(part, RegionClipScores)]
    assert [part.scores for part in parts] == list(expected)
    assert sum(isinstance(part, RegionLabelScores) for part in analysis.parts) == 2
    shown = analysis_payload(workspace.session, analysis)["parts"]
    assert [part["number"] for part in shown] == [1, 2]
    for part, scores in zip(shown, expected, strict=True):
        assert part["labels"] == sorted(part["labels"], key=lambda one: -one["share"])
        assert {one["label"]: one["clip"] for one in part["labels"]} == {
            score.label: score.share for score in scores.ranked
        }
        assert part["clipBest"] == scores.ranked[0].label


def test_the_clips_best_label_is_shown_though_the_model_ranks_it_last(workspace: Workspace) -> None:
    labels = [f"word {place}" for place in range(80)]
    services = services_with(tiny_osprey(), LazyResource.of(loaded_clip(), "clip"))
    analysis = carried_out(services, workspace, lambda s: new_label_scores(s, labels, "selected"))
    (part,) = analysis_payload(workspace.session, analysis)["parts"]
    assert part["clipBest"] in [one["label"] for one in part["labels"]]
    assert 50 <= len(part["labels"]) <= 55


def test_a_clip_stands_in_for_a_model_without_likelihoods(workspace: Workspace) -> None:
    services = services_with(Remote(name="remote"), LazyResource.of(loaded_clip(), "clip"))
    analysis = carried_out(services, workspace, lambda s: new_label_scores(s, "a cat, dog", "selected"))
    (part,) = analysis_payload(workspace.session, analysis)["parts"]
    assert [one["share"] for one in part["labels"]] == [None, None]
    assert part["labels"] == sorted(part["labels"], key=lambda one: -one["clip"])
    assert sum(one["clip"] for one in part["labels"]) == pytest.approx(1)


def broken_clip() -> LazyResource[Any]:
    def load() -> Any:
        raise ModelNotFoundError("hub.unreachable", name="clip", embedded="nano")

    return LazyResource("clip", load).load()


def test_a_clip_that_could_not_be_loaded_leaves_the_model_alone(workspace: Workspace) -> None:
    analysis = carried_out(
        services_with(tiny_osprey(), broken_clip()), workspace, lambda s: new_label_scores(s, "a cat, dog", "selected")
    )
    assert [type(part) for part in analysis.parts] == [RegionLabelScores]
    with pytest.raises(InputError, match="remote"):
        carried_out(
            services_with(Remote(name="remote"), broken_clip()),
            workspace,
            lambda s: new_label_scores(s, "a cat, dog", "selected"),
        )


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
