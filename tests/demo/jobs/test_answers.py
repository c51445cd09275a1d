"""Answers as they are written: settings, errors, stopping, clicks and new pictures meanwhile, loading models."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from demo.chat import transcript
from demo.i18n.catalog import text
from demo.jobs.answers import answer, stop
from demo.jobs.preparing import prepare_picture
from demo.session import conversation
from demo.session.marks import mark_point
from demo.session.pictures import open_picture
from demo.session.services import MOST_PREPARING, Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from demo.shared.lazy_resource import LazyResource
from osprey_core.errors import InputError, OspreyError
from osprey_core.language.sampling import SamplingSettings
from tests import fakes
from tests.demo.sessions import answered, asked, png


def test_settings_reach_the_model_and_are_checked(services: Services, model: fakes.FakeModel, two: Session) -> None:
    answered(services, conversation.ask(two, "What?"), SamplingSettings.read(0.5, 0.9, 64, 7))
    assert model.calls[-1].settings == {"temperature": 0.5, "top_p": 0.9, "max_new_tokens": 64, "seed": 7}
    assert SamplingSettings.read(0, 1, 10, "").seed is None
    for bad in (
        (3, 1, 10, None),
        (0, 0, 10, None),
        (0, 1, 0, None),
        (0, 1, 10, -1),
        ("x", 1, 10, None),
        (0, 1, None, 1),
    ):
        with pytest.raises(InputError):
            SamplingSettings.read(*bad)


def test_an_error_takes_the_question_back_and_keeps_the_rest(services: Services, two: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: conversation.ask(asked(services, two, "What?"), "explode"))
    with pytest.raises(RuntimeError):
        list(answer(services, workspace, SamplingSettings()))
    assert [turn.typed for turn in workspace.session.transcript] == ["What?"]
    assert workspace.session.regions == two.regions
    assert len(services.running_jobs) == 0


def test_stop_ends_the_decoding(services: Services, model: fakes.FakeModel, two: Session) -> None:
    model.pause = 0.02
    workspace = Workspace()
    workspace.change(lambda _: conversation.ask(two, "A long story"))
    for shown, _ in enumerate(answer(services, workspace, SamplingSettings(), interval=0)):
        if shown == 5:
            stop(services, workspace)
    turn = workspace.session.transcript[-1]
    assert turn.state == "stopped"
    assert 1 <= len(turn.answer.split()) < 20
    assert text("chat.stopped") in transcript.turns(workspace.session)[-1]["note"]


def test_stop_before_the_first_word(services: Services, model: fakes.FakeModel, two: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: conversation.ask(two, "What?"))
    stopped = stop(services, workspace)
    assert stopped.waiting is None  # at once: the answer's place in the queue may never come
    assert stopped.transcript[-1].state == "stopped"
    assert len(services.running_jobs) == 0
    list(answer(services, workspace, SamplingSettings()))
    assert workspace.session.transcript == stopped.transcript
    assert model.calls == []


def test_stop_while_the_picture_is_encoded(services: Services, model: fakes.FakeModel, two: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: conversation.ask(two, "A long story"))
    progress = answer(services, workspace, SamplingSettings())
    assert next(progress).note == text("chat.looking")
    stop(services, workspace)
    assert workspace.session.waiting is None
    list(progress)
    assert workspace.session.transcript[-1].state == "stopped"
    assert len(workspace.session.transcript[-1].answer.split()) <= 1
    assert len(services.running_jobs) == 0


def test_after_a_stop_the_next_question_can_be_asked_at_once(
    services: Services, model: fakes.FakeModel, two: Session
) -> None:
    workspace = Workspace()
    workspace.change(lambda _: conversation.ask(two, "Stopped in the queue"))
    stop(services, workspace)
    workspace.change(lambda session: conversation.ask(session, "Next?"))
    list(answer(services, workspace, SamplingSettings()))
    assert [turn.state for turn in workspace.session.transcript] == ["stopped", "complete"]
    assert [call.question for call in model.calls] == ["Next?"]


def test_a_click_while_an_answer_streams_is_not_lost(services: Services, model: fakes.FakeModel, two: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: conversation.ask(two, "A long story"))
    for shown, _ in enumerate(answer(services, workspace, SamplingSettings(), interval=0)):
        if shown == 3:
            workspace.change_regions(lambda session: mark_point(services, session, 200, 210, "new"))
    assert len(workspace.session.regions) == 3
    assert len(workspace.session.transcript[-1].answer.split()) == 400


def test_a_new_picture_ends_the_old_answer(services: Services, model: fakes.FakeModel, two: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: conversation.ask(two, "A long story"))
    for shown, _ in enumerate(answer(services, workspace, SamplingSettings(), interval=0)):
        if shown == 3:
            workspace.change(lambda _: open_picture(png(), "new.png"))
    assert shown < 20
    assert workspace.session.transcript == ()


def test_waiting_for_the_model_is_said_and_its_failure_too(two: Session) -> None:
    release = threading.Event()

    def load() -> None:
        release.wait(5)
        raise OspreyError("The model folder is empty; choose another.")

    services = Services(model=LazyResource("slow", load).start(), segmenter=LazyResource.of(fakes.FakeSegmenter()))
    workspace = Workspace()
    workspace.change(lambda _: conversation.ask(two, "What?"))
    progress = answer(services, workspace, SamplingSettings())
    assert next(progress).note == text("chat.waiting_for_model")
    release.set()
    with pytest.raises(OspreyError, match="folder is empty"):
        list(progress)
    assert services.model.state == "failed"
    assert workspace.session.transcript == ()


def test_who_waits_for_the_model_is_told_how_many_go_before(services: Services, two: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: conversation.ask(two, "What?"))
    first, second = services.model_turns.queue("first"), services.model_turns.queue("second")
    assert first.wait(1)
    notes = []
    for progress in answer(services, workspace, SamplingSettings()):
        notes.append(progress.note)
        if progress.note == text("chat.place_in_queue", count=1):
            first.leave()
            second.leave()
    assert notes[0] == text("chat.place_in_queue", count=1)
    assert workspace.session.transcript[-1].state == "complete"
    assert (services.model_turns.running, services.model_turns.waiting) == ([], [])


def test_a_question_that_is_stopped_while_it_waits_never_reaches_the_model(
    services: Services, model: fakes.FakeModel, two: Session
) -> None:
    workspace = Workspace()
    workspace.change(lambda _: conversation.ask(two, "What?"))
    with services.model_turns.queue("other"):
        for _ in answer(services, workspace, SamplingSettings()):
            stop(services, workspace)
    assert workspace.session.transcript[-1].state == "stopped"
    assert model.calls == []
    assert (services.model_turns.running, services.model_turns.waiting) == ([], [])


def test_a_page_that_is_closed_gives_its_turn_back(services: Services, model: fakes.FakeModel, two: Session) -> None:
    model.pause = 0.01
    workspace = Workspace()
    workspace.change(lambda _: conversation.ask(two, "A long story"))
    answering = answer(services, workspace, SamplingSettings(), interval=0)
    [next(answering) for _ in range(3)]
    assert len(services.model_turns.running) == 1
    answering.close()  # type: ignore[attr-defined]
    assert services.model_turns.running == []


def test_people_are_answered_together_and_long_work_holds_none_of_them_up(
    services: Services, model: fakes.FakeModel, two: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the model decodes many answers together; a second piece of long work waits for the first one."""
    monkeypatch.setattr(type(model), "answers_together", 2, raising=False)
    long, longer = services.turn_at_model("a", is_long=True), services.turn_at_model("b", is_long=True)
    assert long.wait(1)
    assert not longer.wait(0.01)
    turns = [services.turn_at_model(person, is_long=False) for person in "cde"]
    assert [turn.wait(0.01) for turn in turns] == [True, True, False]
    turns[0].leave()
    assert turns[2].wait(1)
    for turn in (*turns, long, longer):
        turn.leave()


def test_a_picture_is_prepared_in_the_background_where_answers_are_given_together(
    services: Services, model: fakes.FakeModel, two: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = threading.Semaphore(0)
    monkeypatch.setattr(fakes.FakeView, "prepare", lambda view: prepared.release(), raising=False)
    prepare_picture(services, two.picture)
    assert not prepared.acquire(timeout=0.2)  # a model that answers one after another is not kept busy
    monkeypatch.setattr(type(model), "answers_together", 8, raising=False)
    prepare_picture(services, None)
    for _ in range(MOST_PREPARING + 2):
        prepare_picture(services, two.picture)
        assert prepared.acquire(timeout=10)
    held = [services.preparing.acquire(timeout=10) for _ in range(MOST_PREPARING)]
    assert all(held)
    prepare_picture(services, two.picture)
    assert not prepared.acquire(timeout=0.2)  # enough pictures are in work


def test_a_picture_that_cannot_be_prepared_harms_nobody(
    services: Services, model: fakes.FakeModel, two: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(model), "answers_together", 8, raising=False)
    prepare_picture(services, two.picture)  # the view of this model has no such method
    assert [services.preparing.acquire(timeout=10) for _ in range(MOST_PREPARING)] == [True] * MOST_PREPARING


def test_an_answer_that_takes_too_long_is_ended_with_a_sentence(
    services: Services, model: fakes.FakeModel, two: Session
) -> None:
    model.pause = 0.05
    workspace = Workspace()
    workspace.change(lambda _: conversation.ask(two, "A long story"))
    with pytest.raises(InputError, match="longer than 0 seconds"):
        list(answer(replace(services, answer_seconds=0.12), workspace, SamplingSettings(), interval=0))
    turn = workspace.session.transcript[-1]
    assert (turn.state, bool(turn.answer)) == ("stopped", True)
    assert (services.model_turns.running, len(services.running_jobs)) == ([], 0)
