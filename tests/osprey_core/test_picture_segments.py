"""Answers about the number and the presence of things, with segments and a model whose replies are known."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from osprey_core.config import CountingConfig
from osprey_core.counting import MOST_WEIGHED
from osprey_core.language.whole_picture import AskedThing
from osprey_core.picture_segments import PictureSegments, Reader
from osprey_core.region_model import Guess, NamedRegion

CONFIG = CountingConfig()
DOGS, ANYTHING = AskedThing("dog", wants_number=True), AskedThing("", wants_number=True)
A_DOG = AskedThing("dog", wants_number=False)


def squares(count: int) -> list[np.ndarray]:
    masks = [np.zeros((10, 100), bool) for _ in range(count)]
    for place, mask in enumerate(masks):
        mask[2:8, 10 * place : 10 * place + 8] = True
    return masks


class Knowing:
    """Calls the first `dogs` segments dogs, the others cats; about the whole picture it says yes with these odds."""

    def __init__(self, dogs: int, own_log_odds: float = 0.0) -> None:
        self.dogs, self.own_log_odds = dogs, own_log_odds
        self.asked: list[str] = []

    def reader(self) -> Reader:
        return Reader(self.name, self.answer_likelihoods, self.picture_likelihoods)

    def name(self, mask: np.ndarray, question: str = "", guesses: int = 1) -> NamedRegion:
        place = int(np.flatnonzero(mask.any(0))[0]) // 10
        return NamedRegion((Guess("dog" if place < self.dogs else "cat", 0.9, 0.9),), 0.5)

    def answer_likelihoods(
        self, question: str, regions: Sequence[np.ndarray], answers: Sequence[str], whole: bool = True
    ) -> np.ndarray:
        self.asked.append(question)
        rows = []
        for region in regions:
            name = self.name(region).guesses[0].name
            says = {"dog": 0.9, "cat": 0.05} if name == "dog" else {"dog": 0.01, "cat": 0.9}
            yes = 0.95 if name == "dog" else 0.05
            known = {**says, "Yes": yes, "Yes,": yes / 9, "No": 1 - yes, "No,": (1 - yes) / 9}
            rows.append([known.get(answer, 1e-6) for answer in answers])
        return np.log(np.array(rows).reshape(len(regions), len(answers)))

    def picture_likelihoods(self, question: str, answers: Sequence[str], whole: bool = True) -> np.ndarray:
        self.asked.append(question)
        if len(answers) == MOST_WEIGHED + 1:
            return np.zeros(len(answers))
        return np.array([self.own_log_odds if answer.startswith("Yes") else 0.0 for answer in answers])


def tell(segments: Sequence[np.ndarray], known: Knowing, asked: AskedThing) -> str | None:
    return PictureSegments(lambda: segments).tell(known.reader(), "the question", asked, CONFIG, lambda: False)


def test_what_the_segments_show_is_counted() -> None:
    assert tell(squares(5), Knowing(3), DOGS) == "There are three dogs in the picture."
    assert tell(squares(5), Knowing(0), DOGS) == "There are no dogs in the picture."
    assert tell(squares(5), Knowing(3), ANYTHING) == "There are five things in the picture."


def test_whether_there_is_one() -> None:
    assert tell(squares(5), Knowing(2), A_DOG) == "Yes, there are two dogs."
    assert tell(squares(5), Knowing(1), A_DOG) == "Yes, there is a dog."
    assert tell(squares(5), Knowing(0, -2.0), A_DOG) == "No, there is no dog in the picture."
    # No segment is called so, but the model is very sure of the whole picture: another word for it.
    assert tell(squares(5), Knowing(0, 9.0), A_DOG) == "Yes, there is a dog."


@pytest.mark.parametrize(("dogs", "own_log_odds"), [(0, -1.0), (0, 9.0), (1, 0.0), (2, 0.0), (4, 0.0), (2, -9.0)])
def test_both_kinds_of_question_agree(dogs: int, own_log_odds: float) -> None:
    how_many, whether = (tell(squares(5), Knowing(dogs, own_log_odds), asked) for asked in (DOGS, A_DOG))
    assert how_many is not None
    assert whether is not None
    assert how_many.startswith("There are no ") == whether.startswith("No, ")
    for word in ("two", "three", "four"):
        assert (word in how_many) == (word in whether)


def test_the_largest_segments_are_looked_at() -> None:
    few = replace(CONFIG, most_segments=2)
    said = PictureSegments(lambda: squares(5)).tell(Knowing(4).reader(), "?", DOGS, few, lambda: False)
    assert said == "There are two dogs in the picture."


def test_a_picture_without_segments_is_left_to_the_language_model() -> None:
    known = Knowing(0)
    assert [tell([], known, asked) for asked in (DOGS, A_DOG, ANYTHING)] == [None] * 3
    assert known.asked == []


def test_what_a_conversation_puts_before_a_question_is_not_weighed() -> None:
    known = Knowing(2)
    segments = PictureSegments(lambda: squares(4))
    segments.tell(known.reader(), "About <region1>: How many dogs are there?", DOGS, CONFIG, lambda: False)
    assert "How many dogs are there?" in known.asked
    assert not [text for text in known.asked if text.startswith("About")]


def test_segments_are_found_once_for_all_questions_about_a_picture() -> None:
    found = []

    def find() -> list[np.ndarray]:
        found.append(threading.get_ident())
        return squares(4)

    segments = PictureSegments(find)
    with ThreadPoolExecutor(4) as pool:
        told = [
            pool.submit(segments.tell, Knowing(2).reader(), "?", asked, CONFIG, lambda: False)
            for asked in (DOGS, A_DOG) * 4
        ]
        assert {one.result(30) for one in told} == {"There are two dogs in the picture.", "Yes, there are two dogs."}
    assert len(found) == 1


def test_a_question_that_is_stopped_says_nothing_and_asks_nothing() -> None:
    for asked in (DOGS, A_DOG, ANYTHING):
        known = Knowing(2)
        assert PictureSegments(lambda: squares(4)).tell(known.reader(), "?", asked, CONFIG, lambda: True) == ""
        assert known.asked == []


@pytest.mark.parametrize("asked", [DOGS, A_DOG, ANYTHING])
def test_a_question_can_be_stopped_between_segments(asked: AskedThing) -> None:
    known, checks = Knowing(20), []

    def should_stop() -> bool:
        checks.append(len(known.asked))
        return len(checks) > 3

    row = [np.roll(mask, 4 * place, 1) for place, mask in enumerate(squares(9) * 4)]
    assert PictureSegments(lambda: row).tell(known.reader(), "?", asked, CONFIG, should_stop) == ""
    assert len(checks) == 4
