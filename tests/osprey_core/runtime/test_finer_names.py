"""Finer names: only kinds of what the thing is called, and only where the classifier is sure."""

from __future__ import annotations

import torch
from timm.data import ImageNetInfo

from osprey_core.region_model import Guess, NamedRegion
from osprey_core.runtime.finer_names import finer_name, kinds_of


def scores(**logits: float) -> torch.Tensor:
    """ImageNet's scores: those of some class numbers ("c207") given, all others 0."""
    values = torch.zeros(1000)
    for number, logit in logits.items():
        values[int(number[1:])] = logit
    return values


def test_a_dog_is_perhaps_a_golden_retriever() -> None:
    assert finer_name("dog", scores(c207=12)) == "golden retriever"
    assert finer_name("dog", scores(c207=12, c208=12)) == ""  # two kinds alike: 50 % less what the others hold
    assert finer_name("dog", scores(c207=3)) == ""  # two per cent
    assert finer_name("cat", scores(c207=12)) == ""  # no kind of cat
    assert finer_name("spoon", scores(c207=12)) == ""


def test_the_words_are_imagenets_own() -> None:
    """The class of every kind is the one that ImageNet describes by that word, but for a few that are put plainly."""
    info = ImageNetInfo("imagenet-1k")
    plainly = {
        "polar bear",
        "male duck",
        "rooster",
        "kite (the bird)",
        "crane (the bird)",
        "Ford Model T",
        "racing car",
    }
    for name, kinds in kinds_of().items():
        assert len(set(kinds.values())) == len(kinds), name
        for kind, number in kinds.items():
            assert kind in plainly or info.index_to_description(number).split(",")[0] == kind, kind
    assert info.index_to_description(kinds_of()["bear"]["polar bear"]).startswith("ice bear")
    assert info.index_to_description(kinds_of()["bird"]["rooster"]) == "cock"
    assert info.index_to_description(kinds_of()["car"]["racing car"]).startswith("racer")


def test_an_answer_with_another_name_loses_the_finer_one() -> None:
    named = NamedRegion((Guess("dog", 0.6, 0.6), Guess("cat", 0.3, 0.3)), 0.5, "beagle")
    assert named.measures()["finer_name"] == "beagle"
    dog, cat = named.in_answer("A brown dog."), named.in_answer("A cat.")
    assert dog is not None
    assert cat is not None
    assert (dog.finer, cat.finer) == ("beagle", "")
