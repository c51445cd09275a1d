"""Names of regions: taken from the first short answer unless the person named the region; joined when regions merge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from demo.session import conversation
from demo.session.naming import with_names_from_answers
from demo.session.regions import merge_regions, rename_region, reshape_region, undo
from demo.session.session import AnswerMeasures, Session
from demo.session.workspace import Workspace


def told(session: Session, question: str, answer: str, **changes: Any) -> Session:
    """The session after this question was answered so."""
    session = conversation.ask(session, question)
    turn = session.transcript[-1]
    numbers = tuple(region.number for region in turn.regions)
    told = {"answer": answer, "state": "complete", "places": numbers} | changes
    return with_names_from_answers(session.with_turn_changed(turn.id, **told))


def names(session: Session) -> list[str]:
    return [region.name for region in session.regions]


def short(session: Session) -> str:
    return conversation.preset_question(session, "short")


def test_the_first_short_answer_names_its_region_and_later_ones_do_not(two: Session) -> None:
    session = told(two, short(two), "a blue circle.")
    assert names(session) == ["", "a blue circle"]
    again = told(session, conversation.preset_question(session, "category"), "disc")
    assert names(again) == ["", "a blue circle"]
    assert len(session.undo) == len(two.undo)  # it is no step for undo


@pytest.mark.parametrize(
    ("question", "answer", "changes"),
    [
        ("Is @2 red?", "no", {}),
        ("What is this?", "a disc", {}),
        ("Please give me a short description of @1 and @2. Using a short phrase.", "two", {}),
        ("", "left of region1", {}),
        ("", "a dis", {"state": "stopped"}),
        ("", "a dis", {"state": "length"}),
        ("", "disc", {"stats": AnswerMeasures(first_guess="disc", confidence=0.2, unsure_below=0.5)}),
        ("", "", {}),
    ],
)
def test_other_answers_name_nothing(two: Session, question: str, answer: str, changes: dict[str, Any]) -> None:
    assert names(told(two, question or short(two), answer, **changes)) == ["", ""]


def test_an_answer_with_a_name_that_the_model_is_sure_of_names_its_region(two: Session) -> None:
    sure = AnswerMeasures(first_guess="disc", confidence=0.8, unsure_below=0.5)
    assert names(told(two, "What is this?", "It is a disc.", stats=sure)) == ["", "disc"]
    assert names(told(two, "What is this?", "It is a disc.", stats=replace(sure, confidence=0.4))) == ["", ""]
    assert names(told(two, "What are @1 and @2?", "discs", stats=sure)) == ["", ""]


def test_a_name_by_the_person_stays_and_so_does_none(two: Session) -> None:
    session = rename_region(two, 2, "my disc")
    assert names(told(session, short(session), "a circle")) == ["", "my disc"]
    unnamed = rename_region(session, 2, "")
    assert names(told(unnamed, short(unnamed), "a circle")) == ["", ""]


def test_an_answer_about_other_pixels_does_not_name_the_region(two: Session) -> None:
    waiting = conversation.ask(two, short(two))
    grown = reshape_region(waiting, 2, "grow")
    late = grown.with_turn_changed(grown.transcript[-1].id, answer="a circle", state="complete", places=(2,))
    assert names(with_names_from_answers(late)) == ["", ""]
    assert names(with_names_from_answers(undo(late))) == ["", "a circle"]


def test_a_long_answer_is_cut_after_a_word(two: Session) -> None:
    words = "a large round disc of bright blue paint that lies to the right of everything else"
    name = names(told(two, short(two), f"{words}. It is blue."))[1]
    assert words.startswith(f"{name} ")
    assert 40 < len(name) <= 60
    assert names(told(two, short(two), "x" * 90))[1] == "x" * 60


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        (("cat", "person"), ("dog", "person"), ("cat, dog", "person")),
        (("cat", "person"), ("cat", "person"), ("cat", "person")),
        (("", ""), ("dog", "person"), ("dog", "person")),
        (("cat", "person"), ("", ""), ("cat", "person")),
        (("a cat", "model"), ("Rex", "person"), ("Rex", "person")),
        (("Tom", "person"), ("a dog", "model"), ("Tom", "person")),
        (("a cat", "model"), ("a dog", "model"), ("a cat, a dog", "model")),
        (("c" * 150, "person"), ("d" * 150, "person"), ("c" * 150, "person")),
    ],
)
def test_merging_joins_names(
    two: Session, first: tuple[str, Any], second: tuple[str, Any], joined: tuple[str, str]
) -> None:
    named = tuple(
        replace(region, name=name, named_by=by) for region, (name, by) in zip(two.regions, (first, second), strict=True)
    )
    (merged,) = merge_regions(replace(two, regions=named), 1, 2).regions
    assert (merged.name, merged.named_by) == joined


def test_a_name_that_comes_while_a_region_changes_is_kept(two: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: two)

    def slow_change(session: Session) -> Session:
        workspace.change(lambda now: told(now, short(now), "a circle"))
        return reshape_region(session, 1, "grow")

    changed = workspace.change_regions(slow_change)
    assert names(changed) == ["", "a circle"]
    assert changed.regions[0].mask.area > two.regions[0].mask.area
