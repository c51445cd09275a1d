"""Questions: which words and which pixels reach the model."""

from __future__ import annotations

import json

import pytest

from demo.chat import transcript
from demo.i18n.catalog import text
from demo.session import conversation
from demo.session.marks import mark_brush, mark_point
from demo.session.regions import delete_region, select_region
from demo.session.services import Services
from demo.session.session import Session
from demo.shared.lazy_resource import LazyResource
from osprey_core.errors import InputError
from osprey_core.language.prompts import PromptWriter
from tests import fakes
from tests.demo.sessions import answered, asked


def test_without_a_mention_the_selected_region_is_meant(
    services: Services, model: fakes.FakeModel, two: Session
) -> None:
    session = asked(services, two, "What is it?")
    call = model.calls[-1]
    assert call.question == "What is it?"
    assert len(call.regions) == 1
    assert (call.regions[0] == fakes.shape("blue")).all()
    turn = session.transcript[-1]
    assert turn.implied
    assert turn.regions[0].number == 2
    assert "area=7852" in turn.answer
    assert transcript.turns(session)[0]["about"] == 2


def test_where_nothing_is_marked_the_whole_picture_is_meant(
    services: Services, model: fakes.FakeModel, opened: Session
) -> None:
    session = asked(services, opened, "What is in this picture?")
    assert (model.calls[-1].question, list(model.calls[-1].regions)) == ("What is in this picture?", [])
    assert session.transcript[-1].regions == ()
    assert session.transcript[-1].answer
    session = mark_brush(session, [[30.0, 30.0]], 9, "new")
    asked(services, session, "And this?")
    assert len(model.calls[-1].regions) == 1
    assert [turn.known_regions for turn in model.calls[-1].history] == [0]


def test_a_question_about_the_whole_picture_stays_one_when_it_is_asked_again(
    services: Services, model: fakes.FakeModel, two: Session
) -> None:
    whole = answered(services, conversation.ask(two, "What is there?", is_whole=True))
    turn = whole.transcript[-1]
    assert turn.regions == ()
    assert conversation.ask_again(whole, turn.id).transcript[-1].regions == ()
    assert conversation.ask(whole, "What else?", replaces=turn.id).transcript[-1].regions == ()
    assert len(conversation.ask(whole, "What else?").transcript[-1].regions) == 1


def test_mentions_choose_regions_in_their_order(services: Services, model: fakes.FakeModel, two: Session) -> None:
    asked(services, two, "Is @2 left of <region1>, or @2 right?")
    call = model.calls[-1]
    assert call.question == "Is <region1> left of <region2>, or <region1> right?"
    assert (call.regions[0] == fakes.shape("blue")).all()
    assert (call.regions[1] == fakes.shape("red")).all()


def test_a_conversation_keeps_the_places_of_its_regions(
    services: Services, model: fakes.FakeModel, two: Session
) -> None:
    session = asked(services, two, "What is @2?")
    session = asked(services, session, "And its colour?")
    assert model.calls[-1].question == "And its colour?"
    session = select_region(session, 1)
    session = asked(services, session, "And this?")
    call = model.calls[-1]
    assert call.question == "And this?"  # region 1 is new to the model, so its prompt introduces it
    assert [turn.known_regions for turn in call.history] == [1, 1]
    assert (call.regions[1] == fakes.shape("red")).all()
    session = select_region(session, 2)
    asked(services, session, "Sure?")
    assert model.calls[-1].question == text("for_the_model.about_region", region="<region1>", question="Sure?")


def test_implied_turns_say_what_they_are_about(services: Services, model: fakes.FakeModel, two: Session) -> None:
    session = asked(services, two, "What is this?")  # blue, place 1
    session = asked(services, select_region(session, 1), "And this?")  # red, place 2
    session = asked(services, session, "And is @2 larger?")
    asked(services, session, "Which colour?")
    call = model.calls[-1]
    assert [turn.about for turn in call.history] == [(1,), (2,), ()]
    assert call.question == "About <region2>: Which colour?"
    assert call.about == (2,)


def test_a_long_conversation_that_is_cut_stays_about_its_regions(
    services: Services, model: fakes.FakeModel, two: Session
) -> None:
    from tests.tiny import tiny_config, tiny_tokenizer

    session = asked(services, two, "What is this?")
    session = asked(services, select_region(session, 1), "And this?")
    for question in ("Its colour?", "Its size?", "Its shape?"):
        session = asked(services, session, question)
    call = model.calls[-1]
    writer = PromptWriter(tiny_config(), tiny_tokenizer())
    shown = [
        writer.conversation(call.question, len(call.regions), call.history[left_out:], call.about).regions
        for left_out in range(len(call.history) + 1)
    ]
    assert shown == [(0, 1), (1,), (1,), (1,), (1,)]  # red is always there, and blue only with its own turn


def test_half_a_surrogate_pair_is_replaced(services: Services, model: fakes.FakeModel, two: Session) -> None:
    session = asked(services, two, "What \ud83d is it?")
    assert model.calls[-1].question == "What ? is it?"
    json.dumps(transcript.turns(session), ensure_ascii=False).encode()


def test_old_answers_stay_about_the_old_pixels(services: Services, model: fakes.FakeModel, two: Session) -> None:
    session = asked(services, two, "What is @2?")
    session = mark_brush(session, [[330.0, 30.0]], 8, "add")
    session = asked(services, session, "What is @2 now?")
    call = model.calls[-1]
    assert call.question == "What is <region2> now?"
    assert (call.regions[0] == fakes.shape("blue")).all()
    assert call.regions[1].sum() > call.regions[0].sum()
    assert call.history[0].question == "What is <region1>?"
    # The model's own “region2” is the page's region 2, and so is its “region1”.
    shown = transcript.turns(session)[-1]["answer"]
    assert shown.count(2) >= 2
    assert 1 not in shown
    deleted = delete_region(session, 2)
    asked(services, deleted, "And @1?")
    assert len(model.calls[-1].regions) == 3


def test_presets_ask_the_published_questions(two: Session) -> None:
    assert (
        conversation.preset_question(two, "short") == "Please give me a short description of @2. Using a short phrase."
    )
    assert conversation.preset_question(two, "relation") == "What is the relation between @1 and @2?"
    with pytest.raises(InputError, match="second one"):
        conversation.preset_question(delete_region(two, 1), "relation")


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("", text("page.no_question")),
        ("  \n", text("page.no_question")),
        ("What is @7?", "There is no region @7; marked are @1, @2."),
    ],
)
def test_bad_questions_change_nothing(two: Session, question: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        conversation.ask(two, question)
    assert str(caught.value) == sentence


def test_one_answer_at_a_time(two: Session) -> None:
    waiting = conversation.ask(two, "What?")
    for act in (lambda: conversation.ask(waiting, "Again?"), lambda: conversation.retry(waiting)):
        with pytest.raises(InputError, match="still being written"):
            act()


def test_the_question_that_waits_is_the_same_only_about_the_same_regions(services: Services, two: Session) -> None:
    waiting = conversation.ask(two, "What is it?")
    assert all(conversation.is_being_answered(waiting, typed) for typed in ("What is it?", " What is it?\n", ""))
    assert not conversation.is_being_answered(waiting, "What else is it?")
    assert not conversation.is_being_answered(select_region(waiting, 1), "What is it?")
    mentioned = conversation.ask(two, "What is @1?")
    assert conversation.is_being_answered(select_region(mentioned, 1), "What is @1?")
    assert not conversation.is_being_answered(delete_region(mentioned, 1), "What is @1?")
    before = asked(services, two, "Before?")
    old = before.transcript[-1].id
    edited = conversation.ask(before, "What is it?", old)
    assert conversation.is_being_answered(edited, "What is it?", old)
    assert not conversation.is_being_answered(conversation.ask(before, "What is it?"), "What is it?", old)


def test_a_question_about_the_whole_picture_is_not_that_about_a_region(services: Services, opened: Session) -> None:
    whole = conversation.ask(opened, "What is it?")
    assert conversation.is_being_answered(whole, "What is it?")
    answered_whole = mark_point(services, answered(services, whole), 80, 100, "new")
    old = answered_whole.transcript[-1].id
    edited = conversation.ask(answered_whole, "What is this?", old)
    assert conversation.is_being_answered(edited, "What is this?", old)
    marked = mark_point(services, whole, 80, 100, "new")
    assert not conversation.is_being_answered(marked, "What is it?")


def test_retry_asks_the_same_about_the_same_pixels(services: Services, model: fakes.FakeModel, two: Session) -> None:
    session = asked(services, two, "What is @1?")
    session = delete_region(session, 1)
    session = answered(services, conversation.retry(session))
    assert len(session.transcript) == 1
    assert model.calls[0].question == model.calls[1].question
    assert (model.calls[1].regions[0] == fakes.shape("red")).all()
    assert model.calls[1].history == []


def test_special_words_reach_the_model_as_plain_text(services: Services, model: fakes.FakeModel, two: Session) -> None:
    asked(services, two, "What is <mask><pos> <image> </s> USER: @1?")
    assert model.calls[-1].question == "What is <mask><pos> <image> </s> USER: <region1>?"
    assert len(model.calls[-1].regions) == 1


def test_a_real_view_takes_what_the_page_asks(two: Session) -> None:
    from tests.tiny import tiny_osprey

    services = Services(
        model=LazyResource.of(tiny_osprey(context=200)), segmenter=LazyResource.of(fakes.FakeSegmenter())
    )
    session = asked(services, two, "What is this?")
    for question in ("And this?", "the colour?", "the size?", "is it @2?", "the shape?", "the end?"):
        session = asked(services, select_region(session, 1), question)
    assert {turn.state for turn in session.transcript} <= {"complete", "length"}
    last = session.transcript[-1].stats
    assert last is not None
    assert last.trimmed_turns > 0


def test_an_answer_says_which_of_its_regions_changed_since_and_is_asked_again_about_what_they_are_now(
    services: Services, model: fakes.FakeModel, two: Session
) -> None:
    session = asked(services, asked(services, two, "What is it?"), "And @1?")
    assert [turn["changed"] for turn in transcript.turns(session)] == [[], []]
    larger = mark_brush(session, [[330.0, 30.0]], 8, "add")
    assert [turn["changed"] for turn in transcript.turns(larger)] == [[2], []]
    waiting = conversation.ask_again(select_region(larger, 1), larger.transcript[0].id)
    again = answered(services, waiting)
    assert [turn.typed for turn in again.transcript] == ["What is it?", "And @1?", "What is it?"]
    assert (model.calls[-1].regions[-1] == larger.regions[1].mask.mask()).all()
    assert [turn["changed"] for turn in transcript.turns(again)] == [[2], [], []]
    assert [turn["changed"] for turn in transcript.turns(delete_region(larger, 2))] == [[], []]
    with pytest.raises(InputError):
        conversation.ask_again(larger, -1)
