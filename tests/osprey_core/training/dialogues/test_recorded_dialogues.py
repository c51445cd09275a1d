"""The same seeds give the same dialogues as ever: models trained and scored on them stay comparable.

`recorded.json` holds a digest of each conversation, written when the makers of questions were still methods of one
class. A change that is meant to change dialogues writes it anew, and says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from osprey_core.training.dialogues import KIND_WEIGHTS, DialogueOptions, DialogueTurn, KindWeight, sample
from osprey_core.training.dialogues.crowd_talks import crowd_talks
from osprey_core.training.dialogues.phrasings import WORDINGS
from osprey_core.training.dialogues.questions import QUESTION_MAKERS
from osprey_core.training.sources import BUSY
from tests.osprey_core.training.scenes.test_scenes import fake_atlas

RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text(encoding="utf-8"))
OPTIONS = {
    "usual": DialogueOptions(),
    "one question": DialogueOptions(single_turn_share=1.0),
    "conversations": DialogueOptions(single_turn_share=0.0, max_turns=12),
    "busy": DialogueOptions(
        scene=BUSY, thorough=True, even_relations=True, unsaid=True, max_turns=10, surroundings=False
    ),
    "parts": DialogueOptions(about="parts"),
}


def digest(turns: Iterable[DialogueTurn]) -> str:
    values = [(t.kind, t.question, t.answer, t.known_regions, t.accepted, tuple(map(int, t.regions))) for t in turns]
    return hashlib.sha256(repr(values).encode()).hexdigest()[:10]


@pytest.mark.parametrize("name", OPTIONS)
def test_the_same_seeds_give_the_recorded_dialogues(name: str) -> None:
    expected = RECORDED["samples"][name]
    assert [digest(sample(seed, OPTIONS[name], fake_atlas()).dialogue) for seed in range(len(expected))] == expected


def test_the_same_seeds_give_the_recorded_talks_about_crowds() -> None:
    made = [
        digest(turn for talk in crowd_talks(seed, fake_atlas(), 96, 2, 4) for turn in talk.dialogue)
        for seed in range(len(RECORDED["crowds"]))
    ]
    assert made == RECORDED["crowds"]


def test_every_kind_of_question_has_a_weight_and_a_maker() -> None:
    assert set(QUESTION_MAKERS) == set(KIND_WEIGHTS)


def test_a_weight_is_as_good_as_repeating_a_kind() -> None:
    weighed = DialogueOptions(kinds=("category", KindWeight("presence", 3), "color"))
    repeated = DialogueOptions(kinds=("category", "presence", "presence", "presence", "color"))
    assert [sample(seed, weighed).turns for seed in range(20)] == [sample(seed, repeated).turns for seed in range(20)]


def test_wordings_fill_all_their_slots_and_bare_ones_name_no_region() -> None:
    assert sum(len(wording.templates) + len(wording.bare) for wording in WORDINGS.values()) == 515
    for name, wording in WORDINGS.items():
        for text in wording.templates:
            slots = set(text.replace("{", "}").split("}")[1::2])
            assert slots <= {"r", "a", "b", "all", "or", "x", "Is"}, (name, text)
        assert not [text for text in wording.bare if set(text.replace("{", "}").split("}")[1::2]) - {"x"}], name
