"""The page's handlers as plain functions: which pixels and which words reach the model, and what survives an error."""

from __future__ import annotations

import copy
import io
import itertools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo.canvas.gestures import uploaded_file
from demo.canvas.payloads import picture_of, scene_of
from demo.chat import transcript
from demo.i18n.catalog import text
from demo.session import handlers, mentions
from demo.session.handlers import Services
from demo.session.picture_cache import PictureCache
from demo.session.session import Picture, Region, Session
from demo.session.workspace import Sheet, Workspace
from demo.shared import problems
from demo.shared.lazy_resource import LazyResource
from osprey_core.errors import InputError, OspreyError
from osprey_core.language.prompts import PromptWriter
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions.rle import CodedMask, encode_rle
from tests import fakes


def png(image: object = None) -> bytes:
    buffer = io.BytesIO()
    (image or fakes.picture()).save(buffer, "PNG")  # type: ignore[attr-defined]
    return buffer.getvalue()


@pytest.fixture
def model() -> fakes.FakeModel:
    return fakes.FakeModel()


@pytest.fixture
def services(model: fakes.FakeModel) -> Services:
    return Services(model=LazyResource.of(model), segmenter=LazyResource.of(fakes.FakeSegmenter()))


@pytest.fixture
def opened() -> Session:
    return handlers.open_picture(Session(), png(), "shapes.png")


@pytest.fixture
def two(services: Services, opened: Session) -> Session:
    """Red as region 1, blue as region 2, which is selected."""
    session = handlers.mark_point(services, opened, 80, 100, "new")
    return handlers.mark_point(services, session, 250, 110, "new")


def answered(services: Services, session: Session, settings: SamplingSettings | None = None) -> Session:
    workspace = Workspace()
    workspace.change(lambda _: session)
    for _ in handlers.answer(services, workspace, settings or SamplingSettings()):
        pass
    return workspace.session


def asked(services: Services, session: Session, question: str) -> Session:
    return answered(services, handlers.ask(session, question))


# --- regions ---------------------------------------------------------------------------------------------------------


def test_a_click_gives_the_clicked_pixels(two: Session) -> None:
    assert [region.number for region in two.regions] == [1, 2]
    assert (two.regions[0].mask.mask() == fakes.shape("red")).all()
    assert (two.regions[1].mask.mask() == fakes.shape("blue")).all()
    assert two.selected == 2


def test_a_click_is_in_pixels_of_the_full_picture(services: Services) -> None:
    session = handlers.open_picture(Session(), png(fakes.picture(scale=8)), "large.png")
    session = handlers.mark_point(services, session, 80 * 8 + 0.7, 100 * 8, "new")
    mask = session.regions[0].mask.mask()
    assert mask.shape == (270 * 8, 360 * 8)
    assert mask.sum() == fakes.shape("red").sum() * 64


def test_a_box_gives_what_it_frames_whatever_corner_comes_first(services: Services, opened: Session) -> None:
    for box in ([190, 50, 320, 170], [320, 170, 190, 50]):
        session = handlers.mark_box(services, opened, box, "new")
        assert (session.regions[0].mask.mask() == fakes.shape("blue")).all()


def test_a_stroke_is_the_mask(opened: Session) -> None:
    points = [[130.0, 200.0], [270.0, 220.0], [270.0, 100.0]]
    session = handlers.mark_brush(opened, points, 12.5, "new")
    ys, xs = np.mgrid[0:270, 0:360] + 0.5
    expected = np.zeros((270, 360), bool)
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        dx, dy = bx - ax, by - ay
        t = np.clip(((xs - ax) * dx + (ys - ay) * dy) / (dx * dx + dy * dy), 0, 1)
        expected |= (xs - ax - t * dx) ** 2 + (ys - ay - t * dy) ** 2 <= 12.5**2
    assert (session.regions[0].mask.mask() == expected).all()


def test_a_brush_thinner_than_a_pixel_marks_the_pixel() -> None:
    icon = handlers.open_picture(Session(), png(fakes.picture().resize((16, 16))), "icon.png")
    session = handlers.mark_brush(icon, [[3.4, 5.6]], 0.38, "new")
    assert np.argwhere(session.regions[0].mask.mask()).tolist() == [[5, 3]]


def test_a_polygon_is_the_mask(opened: Session) -> None:
    corners = [(40.0, 30.0), (300.0, 80.0), (120.0, 240.0)]  # clockwise on the screen
    session = handlers.mark_polygon(opened, corners, "new")
    ys, xs = np.mgrid[0:270, 0:360] + 0.5
    expected = np.ones((270, 360), bool)
    for (ax, ay), (bx, by) in itertools.pairwise([*corners, corners[0]]):
        expected &= (bx - ax) * (ys - ay) - (by - ay) * (xs - ax) > 0
    assert (session.regions[0].mask.mask() == expected).all()
    hole = [(140.0, 90.0), (180.0, 90.0), (180.0, 120.0), (140.0, 120.0)]
    less = handlers.mark_polygon(session, hole, "remove")
    expected[90:120, 140:180] = False
    assert (less.regions[0].mask.mask() == expected).all()


def test_a_segment_of_everything_becomes_a_region(services: Services, opened: Session) -> None:
    found = handlers.find_everything(services, opened)
    areas = [int(segment.mask.mask().sum()) for segment in found]
    assert areas == sorted(areas, reverse=True)
    session = handlers.take_segment(services, opened, 1, "new")
    assert session.regions[0].mask == found[1].mask
    both = handlers.take_segment(services, session, 0, "add")
    assert (both.regions[0].mask.mask() == found[0].mask.mask() | found[1].mask.mask()).all()
    for wrong in (-1, len(found), None, "0"):
        with pytest.raises(InputError):
            handlers.take_segment(services, session, wrong, "new")  # type: ignore[arg-type]


def test_strokes_add_to_and_take_from_the_selected_region_only(services: Services, two: Session) -> None:
    more = handlers.mark_brush(two, [[330.0, 30.0]], 8, "add")
    assert len(more.regions) == 2
    assert (more.regions[1].mask.mask() & ~fakes.shape("blue")).sum() == pytest.approx(np.pi * 64, rel=0.05)
    less = handlers.mark_brush(more, [[330.0, 30.0]], 9, "remove")
    assert (less.regions[1].mask.mask() == fakes.shape("blue")).all()
    assert (less.regions[0].mask.mask() == fakes.shape("red")).all()


def test_points_refine_and_hand_made_changes_stay(services: Services, two: Session) -> None:
    painted = handlers.mark_brush(two, [[330.0, 30.0]], 8, "add")
    wider = handlers.mark_point(services, painted, 200, 210, "add")
    mask = wider.regions[1].mask.mask()
    assert (mask & fakes.shape("green")).sum() == fakes.shape("green").sum()
    assert mask[30, 330]
    back = handlers.mark_point(services, wider, 201, 211, "remove")
    assert not (back.regions[1].mask.mask() & fakes.shape("green")).any()
    assert back.regions[1].mask.mask()[30, 330]


def test_a_click_outside_its_box_still_adds(services: Services, opened: Session) -> None:
    boxed = handlers.mark_box(services, opened, [190, 50, 320, 170], "new")
    both = handlers.mark_point(services, boxed, 80, 100, "add")
    assert (both.regions[0].mask.mask() == (fakes.shape("blue") | fakes.shape("red"))).all()


def test_the_other_extent_comes_and_goes(services: Services, two: Session) -> None:
    session = handlers.other_extent(services, two, 2)
    assert session.regions[1].mask.mask().sum() == 100 * 100
    session = handlers.other_extent(services, session, 2)
    assert (session.regions[1].mask.mask() == fakes.shape("blue")).all()
    painted = handlers.mark_brush(two, [[20.0, 20.0]], 5, "new")
    with pytest.raises(InputError, match="no other extent"):
        handlers.other_extent(services, painted, 3)


def test_undo_takes_back_one_change_at_a_time(services: Services, two: Session) -> None:
    session = handlers.delete_region(two, 1)
    assert [region.number for region in session.regions] == [2]
    session = handlers.undo(session)
    assert [region.number for region in session.regions] == [1, 2]
    session = handlers.undo(handlers.undo(session))
    assert session.regions == ()
    assert session.selected is None
    assert handlers.undo(session) == session


def test_a_number_that_the_chat_speaks_of_is_not_given_again(services: Services, two: Session) -> None:
    unused = handlers.delete_region(two, 2)
    assert handlers.mark_point(services, unused, 200, 210, "new").selected == 2
    used = handlers.delete_region(asked(services, two, "What is it?"), 2)
    assert handlers.mark_point(services, used, 200, 210, "new").selected == 3


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda v, s: handlers.mark_point(v, Session(), 1, 1, "new"), text("page.no_picture")),
        (lambda v, s: handlers.mark_point(v, s, -1, 5, "new"), text("page.outside")),
        (lambda v, s: handlers.mark_point(v, s, 360, 5, "new"), text("page.outside")),
        (lambda v, s: handlers.mark_point(v, s, float("nan"), 5, "new"), text("page.bad_gesture")),
        (lambda v, s: handlers.mark_point(v, s, None, 5, "new"), text("page.bad_gesture")),
        (lambda v, s: handlers.mark_point(v, s, 5, 5, "explode"), text("page.bad_gesture")),
        (lambda v, s: handlers.mark_point(v, s, 5, 5, "remove"), text("page.nothing_to_remove_from")),
        (lambda v, s: handlers.mark_box(v, s, [5, 5, 6, 60], "new"), text("page.box_too_small")),
        (lambda v, s: handlers.mark_box(v, s, [1, 2, 3], "new"), text("page.bad_gesture")),
        (lambda v, s: handlers.mark_box(v, s, [5, 5, 30, 30], "new"), text("page.nothing_found")),
        (lambda v, s: handlers.mark_brush(s, [], 5, "new"), text("page.bad_gesture")),
        (lambda v, s: handlers.mark_brush(s, [[1, 2, 3]], 5, "new"), text("page.bad_gesture")),
        (lambda v, s: handlers.mark_brush(s, [[1, 2]], 1e9, "new"), text("page.bad_gesture")),
        (lambda v, s: handlers.mark_brush(s, [[1, 2]], 0, "new"), text("page.bad_gesture")),
        (lambda v, s: handlers.mark_brush(s, [[-500, -500]], 5, "new"), text("page.outside")),
        (lambda v, s: handlers.mark_polygon(s, [[1, 2], [5, 6]], "new"), text("page.bad_gesture")),
        (lambda v, s: handlers.mark_polygon(s, [[1, 2], [5, 6], [7, None]], "new"), text("page.bad_gesture")),
        (lambda v, s: handlers.mark_polygon(s, [[1, 2], [50, 60], [99, 118]], "new"), text("page.polygon_too_thin")),
        (lambda v, s: handlers.mark_polygon(s, [[-9, -9], [-5, -9], [-9, -5]], "new"), text("page.polygon_too_thin")),
        (lambda v, s: handlers.select_region(s, 4), text("page.no_region")),
        (lambda v, s: handlers.open_example(v, s, "../secret"), text("page.unknown_example")),
        (lambda v, s: handlers.ask(s, "What?"), text("page.no_region")),
        (lambda v, s: handlers.ask(Session(), "What?"), text("page.no_picture")),
        (lambda v, s: handlers.retry(s), text("page.nothing_to_retry")),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    services: Services, opened: Session, act: Callable[[Services, Session], object], sentence: str
) -> None:
    with pytest.raises(InputError) as caught:
        act(services, opened)
    assert str(caught.value) == sentence


def test_nothing_may_be_left_of_a_region(services: Services, two: Session) -> None:
    with pytest.raises(InputError, match="nothing of the region"):
        handlers.mark_brush(two, [[250.0, 110.0]], 90, "remove")


# --- pictures --------------------------------------------------------------------------------------------------------


def test_a_new_picture_starts_anew_and_a_bad_one_changes_nothing(services: Services, two: Session) -> None:
    with pytest.raises(InputError):
        handlers.open_picture(two, b"no picture", "x.png")
    fresh = handlers.open_picture(two, png(), "again.png")
    assert fresh.regions == fresh.transcript == fresh.undo == ()


def test_examples_come_by_name_with_their_titles(tmp_path: Path) -> None:
    for name in ("b_second.png", "a_first.png"):
        fakes.picture().save(tmp_path / name)
    (tmp_path / "scenes.json").write_text(json.dumps([{"file": "b_second.png", "title": "Two", "questions": ["Why?"]}]))
    first, second = handlers.find_examples(tmp_path)
    assert (first.title, second.title, second.questions) == ("A first", "Two", ("Why?",))
    (tmp_path / "scenes.json").write_text("{broken")
    assert [example.title for example in handlers.find_examples(tmp_path)] == ["A first", "B second"]
    assert handlers.find_examples(tmp_path / "nowhere") == ()


def test_a_gesture_can_bring_uploaded_files_only(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(png())
    for file in ({"path": str(secret)}, {"path": "/etc/passwd"}, {"path": 5}, "x", None):
        with pytest.raises(InputError, match="did not arrive"):
            uploaded_file(file)


def test_opened_pictures_are_computed_once_and_bounded() -> None:
    cache = PictureCache(capacity=2)
    pictures = [Picture(png(fakes.picture(scale=scale)), "p", 360 * scale, 270 * scale) for scale in (1, 2, 3)]
    computed = []

    def compute() -> int:
        time.sleep(0.02)
        computed.append(1)
        return 7

    threads = [threading.Thread(target=lambda: cache.get(pictures[0]).part("view", compute)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(computed) == 1
    for picture in pictures:
        cache.get(picture)
    assert len(cache) == 2
    tight = PictureCache(max_pixels=1)
    for picture in pictures:
        tight.get(picture)
    assert len(tight) == 1


def test_a_click_does_not_wait_for_the_encoder(services: Services, two: Session) -> None:
    assert two.picture is not None
    release = threading.Event()
    opened = services.pictures.get(two.picture)
    encoding = threading.Thread(target=lambda: opened.part("view", lambda: release.wait(10)))
    encoding.start()
    try:
        clicking = threading.Thread(target=lambda: handlers.mark_point(services, two, 200, 210, "new"))
        clicking.start()
        clicking.join(5)
        assert not clicking.is_alive()
    finally:
        release.set()
        encoding.join()


def test_a_loading_segmenter_is_not_waited_for(model: fakes.FakeModel, opened: Session) -> None:
    services = Services(model=LazyResource.of(model), segmenter=LazyResource("slow", lambda: None))
    began = time.monotonic()
    with pytest.raises(InputError, match="still loading"):
        handlers.mark_point(services, opened, 80, 100, "new")
    assert time.monotonic() - began < 3


def test_a_stored_mask_comes_back_as_it_was() -> None:
    mask = np.random.default_rng(0).random((37, 53)) > 0.5
    stored = CodedMask.of(mask)
    assert (stored.mask() == mask).all()
    assert stored == CodedMask.of(mask.copy())


def test_the_scene_shows_the_same_pixels(two: Session) -> None:
    scene = json.loads(json.dumps(scene_of(two, 5)))
    assert (scene["seq"], scene["selected"], scene["next"]["number"]) == (5, 2, 3)
    region = scene["regions"][1]
    x0, y0, x1, y1 = region["box"]
    flat = np.repeat(np.arange(len(region["runs"])) % 2 == 1, region["runs"])
    shown = np.zeros((270, 360), bool)
    shown[y0:y1, x0:x1] = flat.reshape(y1 - y0, x1 - x0)
    assert (shown == fakes.shape("blue")).all()


def test_what_is_thin_on_a_large_picture_is_shown() -> None:
    thin = np.zeros((3000, 4000), bool)
    thin[1234, 100:3900] = True
    thin[40:2900, 2001] = True
    thin[2999, 3999] = True
    session = handlers.open_picture(Session(), png(fakes.picture().resize((4000, 3000))), "large.png")
    region = Region(1, CodedMask.of(thin))
    (sent,) = scene_of(replace(session, regions=(region,), selected=1))["regions"]
    assert sent["size"] == [1024, 768]
    x0, y0, x1, y1 = sent["box"]
    flat = np.repeat(np.arange(len(sent["runs"])) % 2 == 1, sent["runs"])
    shown = np.zeros((768, 1024), bool)
    shown[y0:y1, x0:x1] = flat.reshape(y1 - y0, x1 - x0)
    assert shown[1234 * 768 // 3000, 26:998].all()
    assert shown[11:742, 2001 * 1024 // 4000].all()
    assert shown[767, 1023]
    assert shown.sum() < 2 * (1024 + 768)


def test_a_large_picture_is_sent_small_but_keeps_its_size() -> None:
    session = handlers.open_picture(Session(), png(fakes.picture(scale=10)), "large.png")
    sent = picture_of(Sheet(7, session), np.array(fakes.picture(scale=10)))
    assert (sent["width"], sent["height"]) == (3600, 2700)
    assert len(sent["url"]) < 400_000


# --- questions -------------------------------------------------------------------------------------------------------


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
    session = handlers.select_region(session, 1)
    session = asked(services, session, "And this?")
    call = model.calls[-1]
    assert call.question == "And this?"  # region 1 is new to the model, so its prompt introduces it
    assert [turn.known_regions for turn in call.history] == [1, 1]
    assert (call.regions[1] == fakes.shape("red")).all()
    session = handlers.select_region(session, 2)
    asked(services, session, "Sure?")
    assert model.calls[-1].question == text("for_the_model.about_region", region="<region1>", question="Sure?")


def test_implied_turns_say_what_they_are_about(services: Services, model: fakes.FakeModel, two: Session) -> None:
    session = asked(services, two, "What is this?")  # blue, place 1
    session = asked(services, handlers.select_region(session, 1), "And this?")  # red, place 2
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
    session = asked(services, handlers.select_region(session, 1), "And this?")
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
    session = handlers.mark_brush(session, [[330.0, 30.0]], 8, "add")
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
    deleted = handlers.delete_region(session, 2)
    asked(services, deleted, "And @1?")
    assert len(model.calls[-1].regions) == 3


def test_presets_ask_the_published_questions(two: Session) -> None:
    assert handlers.preset_question(two, "short") == "Please give me a short description of @2. Using a short phrase."
    assert handlers.preset_question(two, "relation") == "What is the relation between @1 and @2?"
    with pytest.raises(InputError, match="second one"):
        handlers.preset_question(handlers.delete_region(two, 1), "relation")


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
        handlers.ask(two, question)
    assert str(caught.value) == sentence


def test_one_answer_at_a_time(two: Session) -> None:
    waiting = handlers.ask(two, "What?")
    for act in (lambda: handlers.ask(waiting, "Again?"), lambda: handlers.retry(waiting)):
        with pytest.raises(InputError, match="still being written"):
            act()


def test_retry_asks_the_same_about_the_same_pixels(services: Services, model: fakes.FakeModel, two: Session) -> None:
    session = asked(services, two, "What is @1?")
    session = handlers.delete_region(session, 1)
    session = answered(services, handlers.retry(session))
    assert len(session.transcript) == 1
    assert model.calls[0].question == model.calls[1].question
    assert (model.calls[1].regions[0] == fakes.shape("red")).all()
    assert model.calls[1].history == []


def test_settings_reach_the_model_and_are_checked(services: Services, model: fakes.FakeModel, two: Session) -> None:
    answered(services, handlers.ask(two, "What?"), SamplingSettings.read(0.5, 0.9, 64, 7))
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
    workspace.change(lambda _: handlers.ask(asked(services, two, "What?"), "explode"))
    with pytest.raises(RuntimeError):
        list(handlers.answer(services, workspace, SamplingSettings()))
    assert [turn.typed for turn in workspace.session.transcript] == ["What?"]
    assert workspace.session.regions == two.regions
    assert len(services.running_jobs) == 0


def test_stop_ends_the_decoding(services: Services, model: fakes.FakeModel, two: Session) -> None:
    model.pause = 0.02
    workspace = Workspace()
    workspace.change(lambda _: handlers.ask(two, "A long story"))
    for shown, _ in enumerate(handlers.answer(services, workspace, SamplingSettings(), interval=0)):
        if shown == 5:
            handlers.stop(services, workspace)
    turn = workspace.session.transcript[-1]
    assert turn.state == "stopped"
    assert 1 <= len(turn.answer.split()) < 20
    assert text("chat.stopped") in transcript.turns(workspace.session)[-1]["note"]


def test_stop_before_the_first_word(services: Services, model: fakes.FakeModel, two: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: handlers.ask(two, "What?"))
    stopped = handlers.stop(services, workspace)
    assert stopped.waiting is None  # at once: the answer's place in the queue may never come
    assert stopped.transcript[-1].state == "stopped"
    assert len(services.running_jobs) == 0
    list(handlers.answer(services, workspace, SamplingSettings()))
    assert workspace.session.transcript == stopped.transcript
    assert model.calls == []


def test_stop_while_the_picture_is_encoded(services: Services, model: fakes.FakeModel, two: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: handlers.ask(two, "A long story"))
    progress = handlers.answer(services, workspace, SamplingSettings())
    assert next(progress).note == text("chat.looking")
    handlers.stop(services, workspace)
    assert workspace.session.waiting is None
    list(progress)
    assert workspace.session.transcript[-1].state == "stopped"
    assert len(workspace.session.transcript[-1].answer.split()) <= 1
    assert len(services.running_jobs) == 0


def test_after_a_stop_the_next_question_can_be_asked_at_once(
    services: Services, model: fakes.FakeModel, two: Session
) -> None:
    workspace = Workspace()
    workspace.change(lambda _: handlers.ask(two, "Stopped in the queue"))
    handlers.stop(services, workspace)
    workspace.change(lambda session: handlers.ask(session, "Next?"))
    list(handlers.answer(services, workspace, SamplingSettings()))
    assert [turn.state for turn in workspace.session.transcript] == ["stopped", "complete"]
    assert [call.question for call in model.calls] == ["Next?"]


def test_a_click_while_an_answer_streams_is_not_lost(services: Services, model: fakes.FakeModel, two: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: handlers.ask(two, "A long story"))
    for shown, _ in enumerate(handlers.answer(services, workspace, SamplingSettings(), interval=0)):
        if shown == 3:
            workspace.change_regions(lambda session: handlers.mark_point(services, session, 200, 210, "new"))
    assert len(workspace.session.regions) == 3
    assert len(workspace.session.transcript[-1].answer.split()) == 400


def test_a_new_picture_ends_the_old_answer(services: Services, model: fakes.FakeModel, two: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: handlers.ask(two, "A long story"))
    for shown, _ in enumerate(handlers.answer(services, workspace, SamplingSettings(), interval=0)):
        if shown == 3:
            workspace.change(lambda session: handlers.open_picture(session, png(), "new.png"))
    assert shown < 20
    assert workspace.session.transcript == ()


def test_each_person_gets_a_seat_of_their_own() -> None:
    first = Workspace()
    first.change(lambda session: replace(session, selected=5))
    assert copy.deepcopy(first).session == Session()


def test_waiting_for_the_model_is_said_and_its_failure_too(two: Session) -> None:
    release = threading.Event()

    def load() -> None:
        release.wait(5)
        raise OspreyError("The model folder is empty; choose another.")

    services = Services(model=LazyResource("slow", load).start(), segmenter=LazyResource.of(fakes.FakeSegmenter()))
    workspace = Workspace()
    workspace.change(lambda _: handlers.ask(two, "What?"))
    progress = handlers.answer(services, workspace, SamplingSettings())
    assert next(progress).note == text("chat.waiting_for_model")
    release.set()
    with pytest.raises(OspreyError, match="folder is empty"):
        list(progress)
    assert services.model.state == "failed"
    assert workspace.session.transcript == ()


class OutOfMemoryError(RuntimeError):
    """As torch calls it; the page knows it by its name alone."""


def test_too_little_memory_is_a_sentence_with_a_remedy() -> None:
    def load() -> None:
        raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    resource = LazyResource("large", load).load()
    assert str(resource.error) == text("page.out_of_memory_loading", name="large")
    assert "--dtype" in str(resource.error)
    assert (
        problems.sentence_of(OutOfMemoryError("x")) == problems.sentence_of(MemoryError()) == text("page.out_of_memory")
    )
    assert problems.sentence_of(OspreyError("Said.")) == "Said."
    assert problems.sentence_of(RuntimeError("x")) is None


def test_an_unexpected_failure_to_load_tells_no_internals() -> None:
    def load() -> None:
        raise KeyError("internal")

    resource = LazyResource("thing", load).start()
    resource.wait(5)
    assert str(resource.error) == text("page.loading_failed", name="thing")


# --- words on the page -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("@1", [1]),
        ("a @2, @10. <region3>@2", [2, 10, 3]),
        ("me@2nd.org and a@1 and @1st and @@1", []),
        ("<region> <mask> <image> </s>", []),
    ],
)
def test_mentions(text: str, numbers: list[int]) -> None:
    assert mentions.mentioned(text) == numbers


def test_special_words_reach_the_model_as_plain_text(services: Services, model: fakes.FakeModel, two: Session) -> None:
    asked(services, two, "What is <mask><pos> <image> </s> USER: @1?")
    assert model.calls[-1].question == "What is <mask><pos> <image> </s> USER: <region1>?"
    assert len(model.calls[-1].regions) == 1


# --- with a real network ---------------------------------------------------------------------------------------------


def test_a_real_view_takes_what_the_page_asks(two: Session) -> None:
    from tests.tiny import tiny_osprey

    services = Services(
        model=LazyResource.of(tiny_osprey(context=200)), segmenter=LazyResource.of(fakes.FakeSegmenter())
    )
    session = asked(services, two, "What is this?")
    for question in ("And this?", "the colour?", "the size?", "is it @2?", "the shape?", "the end?"):
        session = asked(services, handlers.select_region(session, 1), question)
    assert {turn.state for turn in session.transcript} <= {"complete", "length"}
    last = session.transcript[-1].stats
    assert last is not None
    assert last.trimmed_turns > 0


# --- regions as wholes -----------------------------------------------------------------------------------------------


def test_regions_are_merged_subtracted_and_reshaped(two: Session) -> None:
    both = handlers.merge_regions(two, 2, 1)
    assert [region.number for region in both.regions] == [2]
    assert (both.regions[0].mask.mask() == fakes.shape("red") | fakes.shape("blue")).all()
    (back,) = handlers.subtract_region(handlers.undo(both), 2, 1).regions[1:]
    assert (back.mask.mask() == fakes.shape("blue")).all()
    assert handlers.undo(both).regions == two.regions

    grown = handlers.reshape_region(two, 1, "grow")
    wider = grown.regions[0].mask.mask()
    assert (wider | fakes.shape("red") == wider).all()
    assert wider.sum() > fakes.shape("red").sum()
    inverted = handlers.reshape_region(two, 1, "invert").regions[0]
    assert (inverted.mask.mask() == ~fakes.shape("red")).all()
    assert inverted.prompt is None
    pieces = handlers.reshape_region(handlers.mark_brush(two, [[330.0, 30.0]], 4, "add"), 2, "largest")
    assert (pieces.regions[1].mask.mask() == fakes.shape("blue")).all()


def test_a_region_has_the_name_it_is_given_and_can_be_hidden(two: Session) -> None:
    named = handlers.rename_region(two, 1, "  the   red one ")
    assert named.regions[0].name == "the red one"
    assert handlers.rename_region(named, 1, "").regions[0].name == ""
    assert handlers.show_region(two, 2, False).regions[1].hidden
    assert not handlers.show_region(handlers.show_region(two, 2, False), 2, True).regions[1].hidden


@pytest.mark.parametrize(
    "act",
    [
        lambda s: handlers.merge_regions(s, 1, 1),
        lambda s: handlers.subtract_region(s, 1, 9),
        lambda s: handlers.reshape_region(s, 1, "explode"),
        lambda s: handlers.rename_region(s, 1, "x" * 201),
        lambda s: handlers.subtract_region(handlers.reshape_region(s, 2, "invert"), 1, 2),  # nothing would be left
    ],
)
def test_a_change_that_makes_no_sense_is_one_sentence(two: Session, act: Callable[[Session], Session]) -> None:
    with pytest.raises(InputError):
        act(two)


def test_a_mask_file_brings_its_regions_with_their_names(two: Session) -> None:
    runs = encode_rle(fakes.shape("green"))
    annotation = {"image_id": 1, "category_id": 7, "segmentation": runs}
    picture = {"id": 1, "file_name": "a.png", "width": 360, "height": 270}
    coco = {"images": [picture], "categories": [{"id": 7, "name": "leaf"}], "annotations": [annotation]}
    session = handlers.load_masks(two, json.dumps(coco).encode())
    assert [(region.number, region.name) for region in session.regions] == [(1, ""), (2, ""), (3, "leaf")]
    assert (session.regions[2].mask.mask() == fakes.shape("green")).all()
    assert session.selected == 3
    assert handlers.undo(session).regions == two.regions
    black_and_white = png(Image.fromarray(fakes.shape("red")))
    assert (handlers.load_masks(two, black_and_white).regions[2].mask.mask() == fakes.shape("red")).all()
    for wrong in (b"", b"{}", png(Image.new("L", (10, 10), 255))):
        with pytest.raises(InputError):
            handlers.load_masks(two, wrong)


# --- everything, described -------------------------------------------------------------------------------------------


def test_everything_is_described(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    states = [
        session.captions for session in handlers.describe_everything(services, workspace, "short", SamplingSettings())
    ]
    captions = workspace.session.captions
    assert captions is not None
    assert captions.state == "complete"
    assert states[0] is not None
    assert states[0].rows == ()
    for place, said in captions.rows:
        mask = handlers.find_everything(services, opened)[place].mask.mask()
        assert f"area={mask.sum()}" in said
    assert sorted(place for place, _ in captions.rows) == [0, 1, 2]


def test_describing_stops_and_keeps_what_is_there(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    for session in handlers.describe_everything(services, workspace, "category", SamplingSettings(), interval=0):
        if session.captions is not None and session.captions.rows:
            handlers.stop_describing(services, workspace)
    captions = workspace.session.captions
    assert captions is not None
    assert captions.state == "stopped"
    assert len(captions.rows) == 1
    assert len(services.running_jobs) == 0


def test_describing_ends_with_its_picture(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    for session in handlers.describe_everything(services, workspace, "short", SamplingSettings(), interval=0):
        if session.captions is not None and session.captions.rows:
            workspace.change(lambda _: handlers.open_picture(Session(), png(), "other.png"))
    assert workspace.session.captions is None
    assert len(services.running_jobs) == 0


def test_describing_twice_at_once_is_refused(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    first = handlers.describe_everything(services, workspace, "short", SamplingSettings())
    next(first)
    with pytest.raises(InputError, match="already"):
        next(handlers.describe_everything(services, workspace, "short", SamplingSettings()))
    first.close()
    assert workspace.session.captions is not None
    assert workspace.session.captions.state == "stopped"


# --- marks fitted to the outline ---------------------------------------------------------------------------------


def test_a_fitted_stroke_is_the_outline_and_undo_brings_the_stroke_back(services: Services, opened: Session) -> None:
    drawn = handlers.mark_brush(opened, [(230, 100), (270, 120)], 8, "new")
    fitted = handlers.refine_mark(services, drawn)
    (region,) = fitted.regions
    assert (region.mask.mask() == fakes.shape("blue")).all()
    assert handlers.undo(fitted).regions == drawn.regions
    assert handlers.undo(handlers.undo(fitted)).regions == ()
    # Clicks go on refining it, and other extents can be had, as if the clicks had made it.
    assert handlers.other_extent(services, fitted, 1).regions[0].mask.area > region.mask.area
    more = handlers.mark_point(services, fitted, 80, 100, "add")
    assert (more.regions[0].mask.mask() == fakes.shape("blue") | fakes.shape("red")).all()


def test_a_fitted_stroke_joins_and_leaves_the_selected_region(services: Services, two: Session) -> None:
    red, blue, green = (fakes.shape(name) for name in ("red", "blue", "green"))
    joined = handlers.refine_mark(services, handlers.mark_polygon(two, [(130, 200), (200, 200), (150, 230)], "add"))
    assert (joined.regions[1].mask.mask() == blue | green).all()
    left = handlers.refine_mark(services, handlers.mark_brush(joined, [(240, 100), (260, 110)], 5, "remove"))
    assert (left.regions[1].mask.mask() == green).all()
    assert (left.regions[0].mask.mask() == red).all()


def test_what_fits_no_outline_stays_as_drawn(opened: Session) -> None:
    class Blind(fakes.FakeSegmenter):
        def open(self, image: np.ndarray) -> fakes.FakeOpened:
            far = np.zeros(image.shape[:2], bool)
            far[-1, -1] = True

            class Opened(fakes.FakeOpened):
                def segment(self, *_: object, **__: object) -> list[fakes.ScoredMask]:
                    return [fakes.ScoredMask(far, 0.9)]

            return Opened(image)

    blind = Services(model=LazyResource.of(fakes.FakeModel()), segmenter=LazyResource.of(Blind()))
    drawn = handlers.mark_brush(opened, [(230, 100), (270, 120)], 8, "new")
    with pytest.raises(InputError, match="stays as you drew it"):
        handlers.refine_mark(blind, drawn)


def test_only_what_was_just_drawn_is_fitted(services: Services, two: Session) -> None:
    for session in (two, handlers.select_region(two, 1), handlers.clear_regions(two)):
        with pytest.raises(InputError, match="could not be understood"):
            handlers.refine_mark(services, session)


def test_spots_of_captions_are_answered_and_nonsense_with_nothing() -> None:
    from demo.canvas.caption_spots import place_captions

    row = {"box": [10, 10, 200, 100], "anchor": [100, 50], "width": 80, "height": 20, "least": 40}
    ((x0, y0, x1, y1),) = place_captions({"captions": [row], "size": [300, 200], "taken": []})  # type: ignore[misc]
    assert (x1 - x0, y1 - y0) == (80, 20)
    assert 10 <= x0 < x1 <= 200
    for wrong in (None, 3, {}, {"captions": [{}]}, {"captions": [row], "size": [float("nan"), 1], "taken": []}):
        assert place_captions(wrong) == []
