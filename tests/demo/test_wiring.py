"""What the page's events answer, called as Gradio calls them but without a server: nothing waits, nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from demo.app import build_app
from demo.i18n import words
from demo.options import Options
from demo.session import handlers
from demo.session.session import Session
from demo.session.workspace import Seat
from demo.shared.lazy_resource import Slot
from osprey_core.config import GenerationDefaults
from tests import fakes

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # a toast without a page becomes a Python warning


@pytest.fixture
def model() -> fakes.FakeModel:
    return fakes.FakeModel()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fakes.picture().save(tmp_path / "one.png")
    fakes.picture(scale=2).save(tmp_path / "two.png")
    return tmp_path


@pytest.fixture
def app(model: fakes.FakeModel, folder: Path) -> gr.Blocks:
    return build_app(model, fakes.FakeSegmenter(), Options(), folder)


@pytest.fixture
def seat(app: gr.Blocks) -> Seat:
    """Somebody who opened the first example and marked the red shape."""
    seat = Seat()
    gesture_event(app, "open_picture")(seat, {"seq": 1, "example": "one.png"})
    click(app, seat, 2, 80, 100)
    return seat


def event(app: gr.Blocks, name: str, place: int = 0) -> Callable[..., Any]:
    """The `place`-th function of this name among the page's events."""
    found: Callable[..., Any] = [each.fn for each in app.fns.values() if each.name == name and each.fn][place]
    return found


def gesture_event(app: gr.Blocks, gesture: str) -> Callable[..., Any]:
    found: Callable[..., Any] = next(
        each.fn for each in app.fns.values() if any(name == gesture for _, name in each.targets) and each.fn
    )
    return found


def digest(seat: Seat) -> str | None:
    return seat.session.picture.digest if seat.session.picture else None


def click(app: gr.Blocks, seat: Seat, seq: int, x: float, y: float, picture: str | None = None) -> Any:
    value = {"seq": seq, "picture": picture or digest(seat), "x": x, "y": y, "action": "new"}
    return gesture_event(app, "segment_point")(seat, value)


def scene(outputs: list[Any]) -> dict[str, Any]:
    return dict(json.loads(json.dumps(outputs[0]["scene"])))


def test_a_bad_upload_is_answered_even_while_an_answer_streams(
    app: gr.Blocks, seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat.change(lambda session: handlers.ask(session, "What?"))
    turn = seat.session.transcript[-1]

    def broken(session: Session, data: bytes, name: str) -> Session:
        seat.change(lambda session: session.with_turn_changed(turn.id, answer="It"))  # what streaming does meanwhile
        raise handlers.InputError("That is not a picture that can be read.")

    monkeypatch.setattr("demo.session.pictures.open_picture", broken)
    outputs = gesture_event(app, "open_picture")(seat, {"seq": 9, "example": "two.png"})
    assert scene(outputs)["seq"] == 9
    assert "picture" not in outputs[0]
    assert seat.session.waiting is not None
    assert seat.session.transcript[-1].answer == "It"


def test_a_question_that_went_with_its_picture_gives_the_button_back(app: gr.Blocks, seat: Seat) -> None:
    event(app, "begin")(seat, "What?")
    gesture_event(app, "open_picture")(seat, {"seq": 3, "example": "two.png"})
    (outputs,) = event(app, "write")(seat, 0, 1, 64, "")
    _, send, stop, *_ = outputs
    assert send["visible"]
    assert not stop["visible"]


def test_stop_works_before_the_answers_turn_has_come(app: gr.Blocks, seat: Seat, model: fakes.FakeModel) -> None:
    event(app, "begin")(seat, "What?")
    assert seat.session.waiting is not None
    _, send, stop, retry, *_ = event(app, "halt")(seat)
    assert send["visible"]
    assert not stop["visible"]
    assert retry["interactive"]
    list(event(app, "write")(seat, 0, 1, 64, ""))
    assert model.calls == []


def test_a_click_on_the_picture_before_is_answered_but_marks_nothing(app: gr.Blocks, seat: Seat) -> None:
    before = digest(seat)
    gesture_event(app, "open_picture")(seat, {"seq": 3, "example": "two.png"})
    outputs = click(app, seat, 4, 80, 100, picture=before)
    assert scene(outputs)["seq"] == 4
    assert seat.session.regions == ()
    click(app, seat, 5, 80, 100)
    assert len(seat.session.regions) == 1


def test_opening_and_painting_do_not_queue_behind_the_segmenter(app: gr.Blocks) -> None:
    queues = {
        name: each.concurrency_id
        for each in app.fns.values()
        for _, name in each.targets
        if name in ("open_picture", "segment_point", "segment_box", "segment_brush", "edit_regions")
    }
    assert queues["segment_point"] == queues["segment_box"]
    assert queues["open_picture"] not in (queues["segment_point"], queues["segment_brush"])
    assert queues["segment_brush"] != queues["segment_point"]
    assert queues["edit_regions"] != queues["segment_point"]


def test_defaults_of_the_loaded_model_spare_what_the_person_has_changed(folder: Path, model: fakes.FakeModel) -> None:
    model.generation_defaults = GenerationDefaults(0.3, 0.9, 77)
    slot: Slot[Any] = Slot("fake", lambda: model)
    app = build_app(slot, fakes.FakeSegmenter(), Options(), folder)
    look, take = event(app, "look"), event(app, "take")
    before = [0.0, 1.0, 1024]
    _, timer, found = look(before)
    assert timer["active"]
    assert found == gr.skip()
    slot.start().wait(5)
    _, timer, found = look(before)
    assert not timer["active"]
    assert found == [0.3, 0.9, 77]
    assert look(found)[2] == gr.skip()
    assert take(found, 0.0, 1.0, 1024) == [0.3, 0.9, 77]
    assert take(found, 0.7, 1.0, 512) == [gr.skip(), 0.9, gr.skip()]


def test_the_headers_timer_never_writes_a_setting(folder: Path, model: fakes.FakeModel) -> None:
    app = build_app(model, fakes.FakeSegmenter(), Options(), folder)
    (look,) = [each for each in app.fns.values() if each.name == "look"]
    assert not [block for block in look.outputs if isinstance(block, gr.Slider | gr.Number)]


def test_a_model_that_is_there_shows_its_defaults_from_the_start(folder: Path, model: fakes.FakeModel) -> None:
    model.generation_defaults = GenerationDefaults(0.3, 0.9, 77)
    app = build_app(model, fakes.FakeSegmenter(), Options(), folder)
    shown = {block.label: block.value for block in app.blocks.values() if isinstance(block, gr.Slider)}
    assert shown == {words.TEMPERATURE: 0.3, words.TOP_P: 0.9, words.MAX_NEW_TOKENS: 77}


# --- several pictures ------------------------------------------------------------------------------------------------


def listed(outputs: list[Any]) -> tuple[list[str], int]:
    """Names of the open pictures as the canvas is told, and which is in front."""
    told = json.loads(json.dumps(outputs[0]["pictures"]))
    front = [item["sheet"] for item in told["items"]].index(told["front"])
    return [item["name"] for item in told["items"]], front


def test_turning_back_shows_the_picture_with_its_regions_and_chat(
    app: gr.Blocks, seat: Seat, model: fakes.FakeModel
) -> None:
    seat.change(lambda session: handlers.ask(session, "What is it?"))
    first = seat.front.id
    for _ in event(app, "write")(seat, 0.0, 1.0, 64, ""):
        pass
    outputs = gesture_event(app, "open_picture")(seat, {"seq": 4, "example": "two.png"})
    assert listed(outputs) == (["one.png", "two.png"], 1)
    assert (scene(outputs)["regions"], outputs[-6]["turns"]) == ([], [])
    outputs = gesture_event(app, "turn_to_picture")(seat, {"seq": 6, "sheet": first})
    assert listed(outputs) == (["one.png", "two.png"], 0)
    assert outputs[0]["picture"]["sheet"] == first
    assert outputs[0]["picture"]["id"] == scene(outputs)["picture"] == digest(seat)
    assert [region["number"] for region in scene(outputs)["regions"]] == [1]
    assert [turn["state"] for turn in outputs[-6]["turns"]] == ["complete"]
    assert len(model.calls) == 1


def test_described_segments_come_back_with_their_picture(app: gr.Blocks, seat: Seat) -> None:
    first = seat.front.id
    handler = gesture_event(app, "describe_all")
    for _ in handler(seat, gr.EventData(None, {"style": "short"}), 0.0, 1.0, 64, ""):
        pass
    assert seat.session.captions is not None
    gesture_event(app, "open_picture")(seat, {"seq": 4, "example": "two.png"})
    outputs = gesture_event(app, "turn_to_picture")(seat, {"seq": 6, "sheet": first})
    assert outputs[0]["segments"]["picture"] == digest(seat)
    assert len(outputs[0]["segments"]["items"]) == len(outputs[1]["captions"]["rows"]) > 0


def test_a_picture_that_is_gone_is_refused_and_the_canvas_gets_its_answer(app: gr.Blocks, seat: Seat) -> None:
    front = seat.front
    for nonsense in (12345, None, "a"):
        outputs = gesture_event(app, "turn_to_picture")(seat, {"seq": 8, "sheet": nonsense})
        assert scene(outputs)["seq"] == 8
        assert "pictures" not in outputs[0]
    assert seat.front == front


def test_closing_the_last_picture_leaves_nothing(app: gr.Blocks, seat: Seat) -> None:
    outputs = gesture_event(app, "close_picture")(seat, {"seq": 8, "sheet": seat.front.id})
    assert outputs[0]["pictures"]["items"] == []
    assert outputs[0]["picture"] == {}
    assert scene(outputs)["regions"] == []
    assert seat.session == Session()
