"""Questions and answers about made pictures: every answer is checked against the scene by another road."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osprey_core.language.wording import NUMBERS, plural
from osprey_core.training.dialogues import (
    EVALUATION_SEEDS,
    KIND_WEIGHTS,
    DialogueOptions,
    DialogueSample,
    corpus,
    region_vocabulary,
    sample,
    sample_about,
    samples,
)
from osprey_core.training.dialogues.facts import (
    colors_said,
    diagonal_of,
    main_colors,
    place_of,
    place_words,
    relation_of,
)
from osprey_core.training.scenes.colors import color_shares
from osprey_core.training.scenes.scene import make_scene
from osprey_core.training.sources import BUSY
from tests.osprey_core.training.scenes.test_scenes import fake_atlas

MENTION = re.compile(r"<region(\d+)>")


@cache
def many() -> tuple[DialogueSample, ...]:
    options = DialogueOptions(exact_masks=True)
    atlas = fake_atlas()
    return tuple(sample(seed, options, atlas) for seed in range(700))


def of_kind(*kinds: str) -> list[tuple[DialogueSample, int]]:
    return [(s, k) for s in many() for k, turn in enumerate(s.dialogue) if turn.kind in kinds]


def test_the_same_seed_gives_the_same_sample() -> None:
    one, two = sample(11), sample(11)
    assert one.turns == two.turns
    assert (one.image == two.image).all()
    assert all((a == b).all() for a, b in zip(one.masks, two.masks, strict=True))
    assert sample(12).turns != one.turns


def test_several_dialogues_share_a_picture_and_the_first_is_the_sample() -> None:
    three = samples(5, 3)
    assert len(three) == 3
    assert all((s.image == three[0].image).all() for s in three)
    assert three[0].turns == sample(5).turns
    assert len({str(s.turns) for s in three}) > 1


def test_even_relations_are_more_often_about_parts_overlaps_and_diagonals() -> None:
    """Told from the answers: by chance alone most pairs lie plainly beside or above each other."""
    kinds = ("category", *5 * ("relation",))

    def share(even: bool) -> float:
        options = DialogueOptions(kinds=kinds, max_turns=8, thorough=True, scene=BUSY, even_relations=even)
        turns = [turn for seed in range(60) for turn in sample(seed, options).dialogue if turn.kind == "relation"]
        assert len(turns) > 200
        return float(np.mean([bool(re.search("part of|in front of|behind| and to the ", t.answer)) for t in turns]))

    assert share(even=True) > share(even=False) + 0.1


def test_presence_is_asked_of_what_is_still_to_be_named() -> None:
    """Else "yes" could be read off the turns before, without looking at the picture."""

    def told(unsaid: bool) -> list[tuple[bool, bool]]:
        options = DialogueOptions(
            kinds=("category", "what", *4 * ("presence",)), max_turns=10, thorough=True, scene=BUSY, unsaid=unsaid
        )
        found = []
        for seed in range(60):
            said = ""
            for turn in sample(seed, options).dialogue:
                if turn.kind == "presence":
                    noun = re.search(r"\ban? ([a-z ]+?)(?: in the (?:picture|image))?\??$", turn.question)
                    assert noun, turn.question
                    found.append((turn.answer.startswith("Yes"), f" {noun[1]}" in said))
                said += f" {turn.question.lower()} {turn.answer.lower()}"
        return found

    usual, unsaid = told(unsaid=False), told(unsaid=True)
    assert np.mean([before for yes, before in usual if yes]) > 0.4
    assert len(unsaid) > 100
    assert not any(before for _, before in unsaid)
    assert 0.35 < np.mean([yes for yes, _ in unsaid]) < 0.65


def test_questions_mention_only_regions_given_so_far() -> None:
    for s in many():
        assert 1 <= len(s.dialogue) <= 7
        assert len(s.region_names) == len(s.masks)
        before = 0
        for turn in s.dialogue:
            assert before <= turn.known_regions <= len(s.masks)
            before = turn.known_regions
            assert all(1 <= int(number) <= turn.known_regions for number in MENTION.findall(turn.question))
            assert not MENTION.findall(turn.answer)
        for mask in s.masks:
            assert mask.shape == s.image.shape[:2]
            assert mask.dtype == bool
            assert mask.any()


def test_no_slot_is_left_open_and_sentences_are_well_formed() -> None:
    for s in many():
        for turn in s.dialogue:
            assert "{" not in turn.question + turn.answer
            assert "  " not in turn.question + turn.answer
            assert not re.search(r"\ba [aeiou](?!ni|ne)", turn.answer), turn.answer
            assert not re.search(r"\ban [^aeiouxh]", turn.answer), turn.answer
            if turn.kind in ("category", "short"):
                assert not turn.answer.endswith(".")
            else:
                assert turn.answer.endswith(".")
                assert turn.answer[0].isupper()


def test_a_question_without_mention_has_one_thing_to_be_about() -> None:
    for s in many():
        shown: set[int] = set()
        for turn in s.dialogue:
            mentioned = {int(number) - 1 for number in MENTION.findall(turn.question)}
            if turn.regions and not mentioned and turn.kind != "these":
                new = set(range(turn.known_regions)) - shown
                assert new <= set(turn.regions)
            shown |= mentioned or set(range(turn.known_regions))


def test_every_kind_of_question_occurs() -> None:
    seen = Counter(kind for s in many() for kind in s.kinds)
    assert set(KIND_WEIGHTS) - set(seen) <= {"order"}


def test_categories_name_what_the_mask_shows() -> None:
    for s, k in of_kind("category"):
        turn = s.dialogue[k]
        mask = s.masks[turn.regions[0]]
        assert turn.answer == s.region_names[turn.regions[0]]
        whole = [o for o in s.scene.objects if (o.mask == mask).all()]
        if whole:
            assert turn.answer == whole[0].name
            continue
        part = [p for o in s.scene.objects for p in o.parts if (p.mask == mask).all()]
        region = [r for r in s.scene.regions if (r.mask == mask).all()]
        assert turn.answer == part[0].name if part else region[0].name.endswith(turn.answer)


def test_colours_are_in_the_pixels_under_the_mask() -> None:
    found = of_kind("color")
    assert len(found) > 40
    for s, k in found:
        turn = s.dialogue[k]
        shares = color_shares(s.image, s.masks[turn.regions[0]])
        said = [word for word in re.findall(r"\w+", turn.answer.split(" is ")[-1].split(" are ")[-1]) if word != "and"]
        assert said
        assert sum(shares.get(color, 0.0) for color in said) >= 0.5, (turn.answer, shares)
        assert all(shares.get(color, 0.0) >= 0.28 for color in said)


def test_positions_agree_with_the_masks() -> None:
    for s, k in of_kind("position", "is_position"):
        turn = s.dialogue[k]
        ys, xs = np.nonzero(s.masks[turn.regions[0]])
        height, width = s.image.shape[:2]
        x, y = xs.mean() / width, ys.mean() / height
        words = turn.answer.split()
        for word, value in (("left", x), ("top", y)):
            if f"{word}" in turn.answer.rstrip(".").split():
                assert value < 0.5, turn.answer
        for word, value in (("right", x), ("bottom", y)):
            if word in [w.rstrip(".") for w in words]:
                assert value > 0.5, turn.answer


def test_relations_agree_with_the_masks() -> None:
    checked = 0
    for s, k in of_kind("relation"):
        turn = s.dialogue[k]
        first, second = (np.array(np.nonzero(s.masks[r])).mean(1) for r in turn.regions)
        text = turn.answer.split(". ")[0]
        if "to the left of" in text:
            assert first[1] < second[1], turn
            checked += 1
        if "to the right of" in text:
            assert first[1] > second[1], turn
            checked += 1
        if " above" in text:
            assert first[0] < second[0], turn
        if " below" in text:
            assert first[0] > second[0], turn
    assert checked > 20


def test_counts_are_the_number_of_such_objects() -> None:
    found = of_kind("count")
    assert len(found) > 40
    for s, k in found:
        answer = s.dialogue[k].answer
        number = NUMBERS.index(answer.split()[2])
        rest = answer.removesuffix(" in the picture.").split(" ", 3)[3]
        if rest in ("thing", "things"):
            assert number == len(s.scene.objects)
        else:
            assert number == sum(rest in (o.thing.noun, plural(o.thing.noun)) for o in s.scene.objects)


def test_presence_is_told_truly() -> None:
    for s, k in of_kind("presence"):
        answer = s.dialogue[k].answer
        if answer.startswith("No"):
            noun = answer.removeprefix("No, there is no ").removesuffix(" in the picture.")
            assert all(noun not in o.thing.words for o in s.scene.objects)
        else:
            assert any(o.thing.noun in answer or plural(o.thing.noun) in answer for o in s.scene.objects)


@pytest.mark.parametrize("kinds", [("presence",), ("is_color",), ("is_category",), ("is_position",), ("has_part",)])
def test_yes_and_no_are_about_as_frequent(kinds: tuple[str, ...]) -> None:
    atlas = fake_atlas()
    options = DialogueOptions(kinds=kinds, single_turn_share=1.0)
    answers = Counter(sample(seed, options, atlas).turns[0][1][:3] for seed in range(240))
    assert set(answers) <= {"Yes", "No,"}
    assert 0.38 < answers["Yes"] / 240 < 0.62


def test_larger_and_smaller_agree_with_the_boxes() -> None:
    options = DialogueOptions(kinds=("which_larger",), single_turn_share=1.0, exact_masks=True)
    for seed in range(60):
        s = sample(seed, options)
        turn = s.dialogue[0]
        first, second = (
            next(o for o in s.scene.objects if (o.mask == s.masks[r]).all()).full_box_xyxy for r in turn.regions
        )
        ratio = (first[2] - first[0]) * (first[3] - first[1]) / ((second[2] - second[0]) * (second[3] - second[1]))
        assert ratio >= 1.6 or ratio <= 1 / 1.6


def test_region_names_are_in_the_vocabulary() -> None:
    vocabulary = set(region_vocabulary(fake_atlas()))
    assert all(set(s.region_names) <= vocabulary for s in many())


@pytest.mark.parametrize("about", ["objects", "parts"])
def test_regions_may_be_whole_things_or_parts_only(about: str) -> None:
    options = DialogueOptions(about=about, kinds=("category",), exact_masks=True)  # type: ignore[arg-type]
    found = 0
    for seed in range(40):
        made = sample_about(make_scene(seed), (seed,), options)
        if made is None:
            continue
        objects = made.scene.objects
        wanted = [o.mask for o in objects] if about == "objects" else [p.mask for o in objects for p in o.parts]
        assert all(any((mask == other).all() for other in wanted) for mask in made.masks)
        found += 1
    assert found > 10


def test_accepted_answers_contain_the_answer() -> None:
    for s in many():
        assert all(turn.answer in turn.accepted for turn in s.dialogue)


def test_the_corpus_is_plain_text_with_a_small_vocabulary() -> None:
    texts = list(itertools.islice(corpus(0), 2000))
    assert all(isinstance(text, str) and text for text in texts)
    words = Counter(word for text in texts for word in re.findall(r"[a-z]+", text.lower()))
    assert 150 < len(words) < 1500


def test_evaluation_seeds_are_far_from_training_seeds() -> None:
    assert EVALUATION_SEEDS.start >= 1_000_000_000


@given(st.floats(0, 360), st.floats(0.25, 1.0))
def test_a_direction_is_straight_or_diagonal_or_unclear(degrees: float, distance: float) -> None:
    """Eight directions with gaps between: what somebody might call either is called neither."""
    dx, dy = distance * math.cos(math.radians(degrees)), distance * math.sin(math.radians(degrees))
    straight, diagonal = relation_of((dx, dy), (0, 0), (1, 1)), diagonal_of((dx, dy), (0, 0), (1, 1))
    off_axis = min(degrees % 90, 90 - degrees % 90)
    if off_axis < 29.9:
        assert (straight, diagonal) == (["right", "below", "left", "above"][round(degrees / 90) % 4], None)
    elif 30.1 < off_axis < 36.8:
        assert (straight, diagonal) == (None, None)
    elif off_axis > 37:
        assert straight is None
        assert diagonal == ("below" if dy > 0 else "above", "right" if dx > 0 else "left")


def test_borderline_places_relations_and_colours_are_not_named() -> None:
    assert place_of((35, 50), (100, 100)) == (None, "middle")
    assert place_words(None, "top") == ""
    assert place_words("right", "bottom") == "at the bottom right"
    assert place_words("middle", "middle") == "in the middle"
    assert relation_of((10, 50), (90, 50), (100, 100)) == "left"
    assert relation_of((50, 50), (55, 50), (100, 100)) is None
    assert relation_of((10, 10), (50, 50), (100, 100)) is None
    assert colors_said({"red": 0.9, "blue": 0.1}) == ("red",)
    assert colors_said({"pink": 0.8, "black": 0.2}) == ("pink", "pink and black")
    assert set(colors_said({"orange": 1.0, "yellow": 0.9})) == {
        "orange", "yellow", "orange and yellow", "yellow and orange",
    }  # fmt: skip
    assert colors_said({}) == ()
    assert main_colors({"red": 0.9, "blue": 0.1}) == ("red",)
    assert main_colors({"red": 0.5, "blue": 0.45}) == ("red", "blue")
    assert main_colors({"red": 0.4, "blue": 0.3, "green": 0.3}) == ("red", "blue")
    assert main_colors({"red": 0.4, "blue": 0.2, "green": 0.2, "pink": 0.2}) == ()


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ValueError, match="kinds"):
        DialogueOptions(kinds=("gossip",))
    with pytest.raises(ValueError, match="about"):
        DialogueOptions(about="everybody")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_turns"):
        DialogueOptions(max_turns=0)
    assert len(samples(1, 2)) == 2
