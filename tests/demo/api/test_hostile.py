"""Hostile calls over real HTTP: each is refused in one sentence, and everybody else goes on."""

from __future__ import annotations

import gc
import io
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio import utils
from gradio_client import Client, handle_file

from demo.api import session_states
from demo.api.checked_inputs import CheckedPage
from demo.session.pictures import open_picture
from demo.session.workspace import Workspace
from tests import fakes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("examples")
    fakes.picture().save(folder / "shapes.png")
    with pytest.MonkeyPatch.context() as patch:
        # Uploads of its own: programs on the same machine use the default folder too.
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        with fakes.served(fakes.FakeModel(), fakes.FakeSegmenter(), folder) as address:
            yield address.rstrip("/")


@pytest.fixture
def client(address: str, tmp_path: Path) -> Client:
    """Somebody who opened a picture and marked the red shape."""
    fakes.picture().save(tmp_path / "mine.png")
    client = Client(address, verbose=False)
    client.predict(handle_file(str(tmp_path / "mine.png")), api_name="/open_picture")
    client.predict(80, 100, "new", api_name="/segment_point")
    return client


def called(address: str, endpoint: str, data: list[Any], session: str = "") -> Any:
    """What a plain HTTP call answers: the sentence of its error, or its data."""
    reply = httpx.post(f"{address}/gradio_api/call/{endpoint}", json={"data": [*data, session]}, timeout=30)
    if reply.status_code != 200:
        return reply.json()["detail"]
    event = reply.json()["event_id"]
    lines = httpx.get(f"{address}/gradio_api/call/{endpoint}/{event}", timeout=30).text.strip().splitlines()
    result = json.loads(lines[-1].removeprefix("data: "))
    return result["error"] if "error" in lines[-2] else result


@pytest.mark.parametrize(
    ("endpoint", "data", "sentence"),
    [
        ("delete_region", [1.5], "number must be a whole number, not 1.5."),
        ("delete_region", ["1"], "number must be a number, not '1'."),
        ("take_segment", [None, "new"], "number must be a number, not null."),
        ("take_segment", [True, "new"], "number must be a number, not true."),
        ("segment_point", ["80", 100, "new"], "x must be a number, not '80'."),
        ("segment_point", [80, [100], "new"], "y must be a number, not [100]."),
        ("segment_point", [80, 100, 7], "action must be text, not 7."),
        ("segment_brush", [[[1, 1]], "wide", "new", False], "radius must be a number, not 'wide'."),
        ("segment_brush", [[["1", 1]], 8, "new", False], "That mark could not be understood; please draw it again."),
        ("segment_brush", [[[1, 1]], 8, "new", "yes"], "refine must be true or false, not 'yes'."),
        ("ask", [["What?"], 0, 1, 64, None], "question must be text, not ['What?']."),
        ("ask", ["What?", "hot", 1, 64, None], "temperature must be a number, not 'hot'."),
        ("ask", ["What?", 0, 1, 6.5, None], "max_new_tokens must be a whole number, not 6.5."),
        ("samples", ["What?", 2.5, 0.8, 1, 64, None], "count must be a whole number, not 2.5."),
        ("load_masks", ["/etc/passwd"], "The values do not fit this call"),
        ("load_masks", [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}], "did not arrive completely"),
        ("load_masks", [{"path": 5, "meta": {"_type": "gradio.FileData"}}], "The values do not fit this call"),
        ("export", [1, 2, 3], ""),
    ],
)
def test_wrong_values_are_one_sentence(address: str, endpoint: str, data: list[Any], sentence: str) -> None:
    session = opened_session(address)
    answer = called(address, endpoint, data, session)
    assert isinstance(answer, str), answer
    assert sentence in answer
    assert answer.endswith(".")


def opened_session(address: str) -> str:
    """The name of a session with a picture and one region."""
    stored = upload(address).json()[0]
    (opened,) = called(address, "open_picture", [{"path": stored, "meta": {"_type": "gradio.FileData"}}, ""])
    called(address, "segment_point", [80, 100, "new"], opened["session"])
    return str(opened["session"])


def upload(address: str, **headers: str) -> httpx.Response:
    files = {"files": ("shapes.png", png())}
    return httpx.post(f"{address}/gradio_api/upload", files=files, headers=headers, timeout=30)


def png() -> bytes:
    buffer = io.BytesIO()
    fakes.picture().save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("route", ["/", "/config", "/gradio_api/info", "/gradio_api/queue/status", "/gradio_api/mcp/"])
def test_a_foreign_name_is_refused_on_every_route(address: str, route: str) -> None:
    assert httpx.get(address + route).status_code in (200, 404, 307)
    for headers in ({"Host": "rebound.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        reply = httpx.get(address + route, headers=headers)
        assert reply.status_code == 403
        assert reply.json()["detail"].startswith("This server does not know the address")
    korean = httpx.get(address + route, headers={"Host": "rebound.example", "Accept-Language": "ko"})
    assert "--allowed-host" in korean.json()["detail"]
    assert korean.json()["detail"] != reply.json()["detail"]


def test_a_form_of_a_foreign_page_uploads_nothing(address: str) -> None:
    assert upload(address).status_code == 200
    assert upload(address, Origin=address).status_code == 200
    assert upload(address, Origin="https://evil.example").status_code == 403


def test_a_cut_upload_leaves_no_file(address: str) -> None:
    folder = Path(utils.get_upload_folder())
    before = {path for path in folder.rglob("*") if path.is_file()}
    host, port = address.removeprefix("http://").split(":")
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="half.png"\r\n\r\n'
    with socket.create_connection((host, int(port))) as connection:
        request = f"POST /gradio_api/upload HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 9000000\r\n"
        connection.sendall(request.encode() + b"Content-Type: multipart/form-data; boundary=b\r\n\r\n" + head)
        connection.sendall(b"x" * 3_000_000)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not {path for path in folder.glob("tmp*") if path.is_file()} - before:
            time.sleep(0.05)
        assert {path for path in folder.glob("tmp*") if path.is_file()} - before
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and {path for path in folder.rglob("*") if path.is_file()} - before:
        time.sleep(0.05)
    assert {path for path in folder.rglob("*") if path.is_file()} - before == set()


def test_a_huge_list_of_points_is_refused_and_nobody_waits(address: str, client: Client) -> None:
    body = json.dumps({"data": [[[x % 300, 5] for x in range(1_000_000)], 8, "new", False, ""]})
    reply = httpx.post(f"{address}/gradio_api/call/segment_brush", content=body, timeout=30)
    assert reply.status_code == 413
    assert reply.json()["detail"] == "The request is larger than 1.5 MB; send less at a time."
    assert "area=8000" in client.predict("What is @1?", api_name="/ask")


def test_a_file_above_the_limit_is_refused(address: str) -> None:
    reply = httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.png", bytes(45_000_000))}, timeout=30)
    assert reply.status_code == 413
    assert "40 MB" in reply.text


@pytest.mark.parametrize(
    "body",
    [b"[" * 60_000, b"{", b"[1]", b'"text"', b'{"data": 5}', b'{"data": {"a": 1}}', b"\xff\xfe", b""],
)
@pytest.mark.parametrize("route", ["call/ask", "queue/join"])
def test_malformed_json_is_a_sentence(address: str, route: str, body: bytes) -> None:
    reply = httpx.post(f"{address}/gradio_api/{route}", content=body, timeout=30)
    assert reply.status_code == 400
    assert reply.json()["detail"].startswith("The values do not fit this call")


def test_many_callers_do_not_push_out_an_open_page(address: str) -> None:
    """More sessions than Gradio keeps; the page's own workspace, with its picture, is still there afterwards."""
    holder = page_of(address).app.state_holder
    state = holder["somebody-with-a-page"]
    component = next(block for block in page_of(address).blocks.values() if isinstance(block, gr.State))
    workspace = Workspace()
    workspace.change(lambda _: open_picture(png(), "mine.png"))
    state[component._id] = workspace
    for place in range(session_states.MOST_WITHOUT_PICTURES + 30):
        holder[f"caller number {place}"]
    assert len(holder.session_data) <= session_states.MOST_WITHOUT_PICTURES + 5
    assert holder["somebody-with-a-page"][component._id] is workspace


def page_of(address: str) -> Any:
    """The page that is served at this address by this process."""
    pages = [each for each in gc.get_objects() if isinstance(each, CheckedPage)]
    return next(page for page in pages if (page.local_url or "").rstrip("/") == address)


@pytest.mark.parametrize("route", ["process_recording", "vibe-edit", "vibe-code/", "undo-vibe-edit", "deep_link"])
def test_routes_that_the_page_does_not_use_are_closed(address: str, route: str) -> None:
    for method in ("GET", "POST"):
        reply = httpx.request(method, f"{address}/gradio_api/{route}", params={"session_hash": "somebody"})
        assert reply.status_code == 404
