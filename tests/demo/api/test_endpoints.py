"""The page over HTTP with gradio_client: named endpoints, isolation of two people, sentences instead of tracebacks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from osprey_core.region_model import Guess
from osprey_core.regions.raster import strokes_to_mask
from osprey_core.regions.rle import decode_rle
from tests import fakes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model() -> fakes.FakeModel:
    return fakes.FakeModel()


@pytest.fixture(scope="module")
def address(model: fakes.FakeModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("examples")
    fakes.picture().save(folder / "shapes.png")
    with fakes.served(model, fakes.FakeSegmenter(), folder) as address:
        yield address


@pytest.fixture
def client(address: str) -> Client:
    return Client(address, verbose=False)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "mine.png"
    fakes.picture().save(path)
    return path


def shape(name: str) -> np.ndarray:
    return (np.array(fakes.picture()) == fakes.SHAPES[name][2]).all(axis=2)


def test_a_region_from_click_to_answer(client: Client, model: fakes.FakeModel, picture: Path) -> None:
    opened = client.predict(handle_file(str(picture)), api_name="/open_picture")
    assert (opened["width"], opened["height"]) == (360, 270)
    region = client.predict(80, 100, "new", api_name="/segment_point")
    assert (decode_rle(region["rle"]) == shape("red")).all()
    assert region["box_xyxy"] == [40, 50, 120, 150]
    region = client.predict([190, 50, 320, 170], "new", api_name="/segment_box")
    assert region["number"] == 2
    assert (decode_rle(region["rle"]) == shape("blue")).all()
    region = client.predict([[150, 210], [250, 210]], 10, "new", api_name="/segment_brush")
    assert (decode_rle(region["rle"]) == strokes_to_mask([[[150, 210], [250, 210]]], 10, (270, 360))).all()
    answer = client.predict("What is @1?", 0, 1, 64, None, api_name="/ask")
    assert "area=8000" in answer
    assert (model.calls[-1].regions[0] == shape("red")).all()
    assert client.predict(3, api_name="/delete_region")[-1]["number"] == 2


def test_callers_get_the_confidence_of_a_name(client: Client, model: fakes.FakeModel, picture: Path) -> None:
    client.predict(handle_file(str(picture)), api_name="/open_picture")
    client.predict(80, 100, "new", api_name="/segment_point")
    assert client.predict(api_name="/last_answer") == {}
    model.reply, model.names = "a dog", (Guess("dog", 0.3, 0.38), Guess("cat", 0.3, 0.31), Guess("fox", 0.1, 0.09))
    try:
        client.predict("What is it?", 0, 1, 64, None, api_name="/ask")
        told = client.predict(api_name="/last_answer")
        finds = client.predict("short", api_name="/describe_everything")
    finally:
        model.reply, model.names = "", ()
    named = {
        "name": "dog",
        "confidence": 0.38,
        "unsure": True,
        "guesses": [{"name": "cat", "confidence": 0.31}, {"name": "fox", "confidence": 0.09}],
    }
    assert told == {"question": "What is it?", "answer": "a dog", "state": "complete", **named}
    assert finds == [{"index": index, "caption": "a dog", **named} for index in range(3)]


def test_two_people_never_meet(address: str, model: fakes.FakeModel, picture: Path, tmp_path: Path) -> None:
    first, second = Client(address, verbose=False), Client(address, verbose=False)
    other = tmp_path / "other.png"
    fakes.picture(scale=2).save(other)
    first.predict(handle_file(str(picture)), api_name="/open_picture")
    second.predict(handle_file(str(other)), api_name="/open_picture")
    first.predict(80, 100, "new", api_name="/segment_point")
    with pytest.raises(AppError, match="Nothing is marked"):
        second.predict("What is @1?", 0, 1, 64, None, api_name="/ask")
    region = second.predict(500, 220, "new", api_name="/segment_point")
    assert region["number"] == 1
    assert region["area"] == shape("blue").sum() * 4 or region["area"] > 30_000
    one = first.submit("First asks a long question", 0, 1, 64, None, api_name="/ask")
    two = second.submit("Second asks", 0, 1, 64, None, api_name="/ask")
    assert len(one.result(30).split()) == 400
    assert "rgb=40,60,200" in two.result(30)
    sizes = {call.image.shape for call in model.calls[-2:]}
    assert len(sizes) == 2
    assert all(call.history == [] for call in model.calls[-2:])


def test_a_session_is_shared_by_those_who_know_its_name(address: str, picture: Path) -> None:
    first, second = Client(address, verbose=False), Client(address, verbose=False)
    session = first.predict(handle_file(str(picture)), api_name="/open_picture")["session"]
    assert second.predict(80, 100, session=session, api_name="/segment_point")["number"] == 1
    assert first.predict(250, 110, api_name="/segment_point")["number"] == 2
    with pytest.raises(AppError, match="not kept any more"):
        second.predict(80, 100, session="anything", api_name="/segment_point")
    with pytest.raises(AppError, match="There is no picture yet"):
        second.predict(80, 100, api_name="/segment_point")


def test_stop_ends_a_long_answer(client: Client, model: fakes.FakeModel, picture: Path) -> None:
    client.predict(handle_file(str(picture)), api_name="/open_picture")
    client.predict(80, 100, "new", api_name="/segment_point")
    model.pause = 0.05
    try:
        job = client.submit("A long answer", 0, 1, 1024, None, api_name="/ask")
        time.sleep(1)
        client.predict(api_name="/stop")
        assert 0 < len(job.result(10).split()) < 100
    finally:
        model.pause = 0.0


@pytest.mark.parametrize(
    ("endpoint", "arguments", "sentence"),
    [
        ("/segment_point", (1, 1, "new"), "There is no picture yet"),
        ("/segment_box", (None, "new"), "There is no picture yet"),
        ("/ask", ("What?", 0, 1, 64, None), "There is no picture yet"),
        ("/ask", ("What?", 9, 1, 64, None), "temperature must be 0 or lie between 0.001 and 2"),
        ("/open_picture", (None,), "did not arrive"),
        ("/delete_region", (4,), "Nothing is marked"),
    ],
)
def test_mistakes_are_one_sentence(client: Client, endpoint: str, arguments: tuple[object, ...], sentence: str) -> None:
    with pytest.raises(AppError, match=sentence):
        client.predict(*arguments, api_name=endpoint)


def test_an_unexpected_error_tells_no_internals(client: Client, picture: Path) -> None:
    client.predict(handle_file(str(picture)), api_name="/open_picture")
    client.predict(80, 100, "new", api_name="/segment_point")
    with pytest.raises(AppError) as caught:
        client.predict("explode", 0, 1, 64, None, api_name="/ask")
    assert "nothing is lost" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "area=8000" in client.predict("Still there?", 0, 1, 64, None, api_name="/ask")


@pytest.mark.parametrize("name", ["broken.png", "empty.png", "notes.txt"])
def test_files_that_are_no_pictures(client: Client, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes({"broken.png": b"\x89PNG\r\n\x1a\nrest", "empty.png": b"", "notes.txt": b"hello"}[name])
    with pytest.raises(AppError):
        client.predict(handle_file(str(path)), api_name="/open_picture")


def test_a_mask_file_becomes_regions_of_its_own_picture_only(client: Client, picture: Path, tmp_path: Path) -> None:
    client.predict(handle_file(str(picture)), api_name="/open_picture")
    values = shape("red") * 1 + shape("blue") * 2
    Image.fromarray(values.astype(np.uint8)).save(tmp_path / "labels.png")
    regions = client.predict(handle_file(str(tmp_path / "labels.png")), api_name="/load_masks")
    assert [int(decode_rle(region["rle"]).sum()) for region in regions] == [shape("red").sum(), shape("blue").sum()]
    entries = [
        {"file_name": "photos\\mine.png", "bbox": [10, 20, 30, 40]},
        {"file_name": "b.png", "bbox": [0, 0, 9, 9]},
    ]
    (tmp_path / "boxes.json").write_text(json.dumps(entries), encoding="utf-16")
    regions = client.predict(handle_file(str(tmp_path / "boxes.json")), api_name="/load_masks")
    assert [region["box_xyxy"] for region in regions[2:]] == [[10, 20, 40, 60]]
    (tmp_path / "other.json").write_text(json.dumps(entries[1:]))
    with pytest.raises(AppError, match=r"is for “b\.png” and not for “mine\.png”"):
        client.predict(handle_file(str(tmp_path / "other.json")), api_name="/load_masks")


def test_marks_can_be_fitted_to_the_outline(client: Client, picture: Path) -> None:
    client.predict(handle_file(str(picture)), api_name="/open_picture")
    stroke = [[230, 100], [270, 120]]
    drawn = client.predict(stroke, 8, "new", api_name="/segment_brush")
    fitted = client.predict(stroke, 8, "new", True, api_name="/segment_brush")
    blue = shape("blue")
    assert drawn["area"] < blue.sum()
    assert (decode_rle(fitted["rle"]) == blue).all()
    corners = [[130, 200], [200, 200], [150, 230]]
    around = client.predict(points_xy=corners, action="new", refine=True, api_name="/segment_polygon")
    assert (decode_rle(around["rle"]) == shape("green")).all()


def test_an_address_of_our_own_computer_is_refused(client: Client, address: str) -> None:
    with pytest.raises(AppError, match="not in the public internet"):
        client.predict(address=address, api_name="/open_picture")
