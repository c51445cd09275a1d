"""The chat side of the page as plain functions: what is shown of a conversation, and what becomes of its turns."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from demo.chat import transcript
from demo.i18n.catalog import group, text
from demo.jobs.answers import answer, stop
from demo.session import conversation
from demo.session.marks import mark_point
from demo.session.pictures import open_picture
from demo.session.services import Services
from demo.session.session import AnswerMeasures, ChatTurn, Session
from demo.session.workspace import Workspace
from demo.shared.lazy_resource import LazyResource
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings
from tests import fakes

DEMO = Path(transcript.__file__).parents[1]


@pytest.fixture
def services() -> Services:
    return Services(model=LazyResource.of(fakes.FakeModel()), segmenter=LazyResource.of(fakes.FakeSegmenter()))


@pytest.fixture
def two(services: Services) -> Session:
    """Red as region 1, blue as region 2, which is selected."""
    buffer = io.BytesIO()
    fakes.picture().save(buffer, "PNG")
    session = open_picture(buffer.getvalue(), "shapes.png")
    session = mark_point(services, session, 80, 100, "new")
    return mark_point(services, session, 250, 110, "new")


def answered(services: Services, session: Session, settings: SamplingSettings | None = None) -> Session:
    workspace = Workspace()
    workspace.change(lambda _: session)
    for _ in answer(services, workspace, settings or SamplingSettings()):
        pass
    return workspace.session


def asked(services: Services, session: Session, question: str, replaces: int | None = None) -> Session:
    return answered(services, conversation.ask(session, question, replaces))


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_a_turn_is_shown_in_pieces_of_text_and_numbers(services: Services, two: Session) -> None:
    session = asked(services, two, "Is @2 left of <region1>?")
    (shown,) = json.loads(json.dumps(transcript.turns(session)))
    assert shown["question"] == ["Is ", 2, " left of ", 1, "?"]
    assert shown["about"] is None
    assert shown["answer"][:4] == ["Is ", 2, " left of ", 1]  # the model's region1 is the page's region 2
    assert shown["state"] == "complete"
    assert shown["note"] == ""


def test_whatever_was_typed_goes_out_as_it_was(two: Session) -> None:
    nasty = "<script>alert(1)</script> *a* `c` $f$ &amp; <img src=x onerror=k>\n- b"
    (shown,) = transcript.turns(conversation.ask(two, nasty))
    assert shown["question"] == [nasty]
    assert shown["about"] == 2


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"state": "waiting"}, "in the queue"),
        ({"state": "waiting", "answer": "A"}, ""),
        ({"state": "complete"}, text("chat.no_answer")),
        ({"state": "complete", "answer": "A dog."}, ""),
        ({"state": "stopped"}, f"({text('chat.stopped')})"),
        ({"state": "length", "answer": "A"}, f"({text('chat.cut_off')})"),
    ],
)
def test_what_an_answer_lacks_is_said(two: Session, changes: dict[str, Any], note: str) -> None:
    session = conversation.ask(two, "What?")
    session = session.with_turn_changed(session.transcript[-1].id, **changes)
    assert transcript.turns(session, "in the queue")[-1]["note"] == note


@pytest.mark.parametrize(
    ("question", "english_only", "is_told"),
    [("이것은 무엇입니까?", True, True), ("What is it?", True, False), ("이것은 무엇입니까?", False, False)],
)
def test_a_question_that_the_model_cannot_read_is_told_so(
    two: Session, question: str, english_only: bool, is_told: bool
) -> None:
    model = fakes.FakeModel(reply="a disc", english_only=english_only)
    services = Services(model=LazyResource.of(model), segmenter=LazyResource.of(fakes.FakeSegmenter()))
    shown = transcript.turns(asked(services, two, question))[-1]
    assert (shown["note"] == text("chat.english_only")) == is_told
    assert shown["answer"] == ["a disc"]


def test_every_answer_tells_how_it_was_made(services: Services, two: Session) -> None:
    session = asked(services, asked(services, two, "What?"), "And?")
    for shown in transcript.turns(session):
        lines = dict(shown["stats"])
        assert lines[text("stats.model")] == "fake"
        assert "42" in lines[text("stats.tokens")]
        assert lines[text("stats.first")]
        assert lines[text("stats.rate")]
        assert (lines[text("settings.temperature")], lines[text("settings.max_new_tokens")]) == ("0", "1024")
        assert not {text("settings.top_p"), text("settings.seed")} & set(lines), "nothing is drawn at temperature 0"
    assert transcript.stats_lines(ChatTurn(1, "?", (), False)) == []
    assert (text("stats.model"), "") not in transcript.stats_lines(ChatTurn(1, "?", (), False, stats=AnswerMeasures()))


def test_a_drawn_answer_tells_the_settings_that_bring_it_again(services: Services, two: Session) -> None:
    session = answered(services, conversation.ask(two, "What?"), SamplingSettings(0.75, 0.9, 64, 2**63 - 1))
    lines = dict(transcript.stats_lines(session.transcript[-1]))
    assert lines[text("settings.temperature")] == "0.75"
    assert lines[text("settings.top_p")] == "0.9"
    assert lines[text("settings.seed")] == "9223372036854775807"
    assert lines[text("settings.max_new_tokens")] == "64"


# --- changing, taking back, rating -----------------------------------------------------------------------------------


def test_a_changed_question_takes_the_last_ones_place(services: Services, two: Session) -> None:
    session = asked(services, asked(services, two, "What?"), "Which colur?")
    first, last = session.transcript
    session = asked(services, session, "Which colour?", replaces=last.id)
    assert [turn.typed for turn in session.transcript] == ["What?", "Which colour?"]
    assert session.transcript[-1].replaces is None
    # An id of an older turn, or of none, means nothing.
    session = asked(services, session, "More?", replaces=first.id)
    assert len(session.transcript) == 3


@pytest.mark.parametrize("again", [lambda s: conversation.ask(s, "explode?", s.transcript[-1].id), conversation.retry])
def test_what_was_there_comes_back_if_the_new_answer_fails(services: Services, two: Session, again: Any) -> None:
    session = asked(services, two, "What?")
    if again is conversation.retry:
        session = session.with_turn_changed(session.transcript[-1].id, typed="explode?")
    workspace = Workspace()
    workspace.change(lambda _: again(session))
    with pytest.raises(RuntimeError):
        list(answer(services, workspace, SamplingSettings()))
    assert workspace.session.transcript == session.transcript


def test_a_stopped_answer_keeps_the_place_it_took(services: Services, two: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: conversation.retry(asked(services, two, "What?")))
    stop(services, workspace)
    list(answer(services, workspace, SamplingSettings()))
    assert [turn.state for turn in workspace.session.transcript] == ["stopped"]
    assert workspace.session.transcript[0].replaces is None


def test_the_last_turn_is_taken_back(services: Services, two: Session) -> None:
    session = conversation.undo_turn(asked(services, asked(services, two, "What?"), "And?"))
    assert [turn.typed for turn in session.transcript] == ["What?"]
    session = conversation.undo_turn(session)
    with pytest.raises(InputError, match="no question to take back"):
        conversation.undo_turn(session)
    with pytest.raises(InputError, match="still being written"):
        conversation.undo_turn(conversation.ask(session, "What?"))


def test_an_opinion_stays_with_its_answer(services: Services, two: Session) -> None:
    session = asked(services, asked(services, two, "What?"), "And?")
    first = session.transcript[0].id
    for liked in (True, False, None):
        session = conversation.rate(session, first, liked)
        assert [turn["liked"] for turn in transcript.turns(session)] == [liked, None]
    assert conversation.rate(session, 10**9, True) == session  # the chat may have been cleared meanwhile
    for bad in ((first, "yes"), (first, 1), ("1", True)):
        with pytest.raises(InputError):
            conversation.rate(session, *bad)


def test_presets_about_all_regions_and_about_what_is_around(services: Services, two: Session) -> None:
    assert conversation.preset_question(two, "around") == "What is around @2?"
    three = mark_point(services, two, 200, 210, "new")
    assert conversation.preset_question(two, "compare").startswith("Compare @1 and @2:")
    assert conversation.preset_question(three, "compare").startswith("Compare @1, @2 and @3:")
    one = replace(two, regions=two.regions[1:])
    with pytest.raises(InputError, match="second one"):
        conversation.preset_question(one, "compare")
    assert set(group("presets")) == {"short", "detailed", "category", "around", "relation", "compare"}
