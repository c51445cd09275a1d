"""What the chat's events answer, and when an answer comes to nothing."""

from __future__ import annotations

import gradio as gr
import pytest

from demo.session.workspace import Workspace
from demo.shared import toasts
from tests import fakes
from tests.demo.page_events import ask, click, gesture, handler, handler_after, write_answer

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # a toast without a page becomes a Python warning


def test_a_question_that_went_with_its_picture_gives_the_button_back(app: gr.Blocks, workspace: Workspace) -> None:
    ask(app, workspace, "What?")
    gesture(app, workspace, "open_picture", seq=3, example="two.png")
    _, send, stop, *_ = write_answer(app, workspace)
    assert send["visible"]
    assert not stop["visible"]


def test_stop_works_before_the_answers_turn_has_come(
    app: gr.Blocks, workspace: Workspace, model: fakes.FakeModel
) -> None:
    ask(app, workspace, "What?")
    assert workspace.session.waiting is not None
    _, send, stop, retry, *_ = handler(app, "stop", "click")(workspace)
    assert send["visible"]
    assert not stop["visible"]
    assert retry["interactive"]
    write_answer(app, workspace)
    assert model.calls == []


def test_asking_twice_is_one_question_without_a_word(
    app: gr.Blocks, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(toasts.gr, "Warning", told.append)
    ask(app, workspace, "What?")
    for again in ("What?", " What? ", ""):
        assert ask(app, workspace, again)[-1] == gr.skip()
    assert told == []
    ask(app, workspace, "Another?")
    assert len(told) == 1
    assert [turn.typed for turn in workspace.session.transcript] == ["What?"]
    handler(app, "clear-chat", "click")(workspace)
    for _ in range(2):
        handler(app, "preset-short", "click")(workspace)
    assert len(told) == len(workspace.session.transcript) == 1


def test_the_same_words_about_another_region_are_not_lost_in_silence(
    app: gr.Blocks, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(toasts.gr, "Warning", told.append)
    click(app, workspace, 1, 80, 100)
    ask(app, workspace, "What?")
    click(app, workspace, 3, 250, 110)
    assert ask(app, workspace, "What?")[-1] == gr.skip()
    assert len(told) == len(workspace.session.transcript) == 1


def test_senseless_settings_give_the_question_back(
    app: gr.Blocks, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(toasts.gr, "Warning", told.append)
    ask(app, workspace, "What?")
    *_, last = handler_after(app, "send", "click")(workspace, 0.0, 7.0, 64, "")
    assert last[-1] == "What?"
    assert workspace.session.transcript == ()
    assert len(told) == 1


def test_the_last_question_taken_back_can_be_asked_again(app: gr.Blocks, workspace: Workspace) -> None:
    ask(app, workspace, "What?")
    write_answer(app, workspace)
    undo = handler(app, "undo-turn", "click")
    assert undo(workspace, "")[-1] == "What?"
    ask(app, workspace, "What?")
    write_answer(app, workspace)
    assert undo(workspace, "being typed")[-1] == gr.skip()
    assert workspace.session.transcript == ()


def test_every_ready_made_question_asks(app: gr.Blocks, workspace: Workspace) -> None:
    handler(app, "preset-short", "click")(workspace)
    assert workspace.session.waiting is not None
    write_answer(app, workspace)
    handler(app, "retry", "click")(workspace)
    assert workspace.session.waiting is not None


def test_an_edited_question_takes_the_place_of_the_last_one(app: gr.Blocks, workspace: Workspace) -> None:
    ask(app, workspace, "What?")
    write_answer(app, workspace)
    last = workspace.session.transcript[-1]
    handler(app, "question", "submit")(workspace, "Which?", {"editing": last.id})
    write_answer(app, workspace)
    assert [turn.typed for turn in workspace.session.transcript] == ["Which?"]


@pytest.mark.parametrize("data", [None, {}, {"turn": "1"}, {"turn": True}, {"turn": 1.5}, {"turn": 1, "liked": "yes"}])
def test_a_rating_of_the_wrong_kind_rates_nothing(
    app: gr.Blocks, workspace: Workspace, data: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(toasts.gr, "Warning", told.append)
    ask(app, workspace, "What?")
    write_answer(app, workspace)
    handler(app, "chatbot", "rate_answer")(workspace, gr.EventData(None, data))
    assert workspace.session.transcript[-1].liked is None
    assert len(told) == 1


def test_an_answer_is_rated(app: gr.Blocks, workspace: Workspace) -> None:
    ask(app, workspace, "What?")
    write_answer(app, workspace)
    rated = workspace.session.transcript[-1].id
    handler(app, "chatbot", "rate_answer")(workspace, gr.EventData(None, {"turn": rated, "liked": True}))
    assert workspace.session.transcript[-1].liked is True
