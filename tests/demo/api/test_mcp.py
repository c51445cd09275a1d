"""The endpoints as tools over MCP: they describe themselves, and strangers on the shared connection never meet."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from osprey_core.regions.rle import decode_rle
from tests import fakes
from tests.demo.api.threads import in_own_thread

pytest.importorskip("mcp", reason="the package mcp is not installed; requirements.txt has it")
jsonschema = pytest.importorskip("jsonschema")

pytestmark = pytest.mark.slow

PROGRAMS = (Path(__file__).parents[3] / "docs/api.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def model() -> fakes.FakeModel:
    return fakes.FakeModel()


@pytest.fixture(scope="module")
def address(model: fakes.FakeModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with fakes.served(model, fakes.FakeSegmenter(), tmp_path_factory.mktemp("examples"), mcp=True) as address:
        yield address


def data_url() -> str:
    file = io.BytesIO()
    fakes.picture().save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def in_session(address: str, work: Any, older: bool = False) -> Any:
    """What `work(client)` returns, with a client that has shaken hands over the newer or the older transport."""
    from mcp import ClientSession
    from mcp.client.sse import sse_client
    from mcp.client.streamable_http import streamablehttp_client

    async def run() -> Any:
        base = f"{address}gradio_api/mcp/"
        transport = sse_client(f"{base}sse") if older else streamablehttp_client(base)
        async with transport as streams, ClientSession(*streams[:2]) as client:
            await client.initialize()
            return await work(client)

    return in_own_thread(asyncio.run, run())


async def call(client: Any, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    text = result.content[0].text
    return f"refused: {text}" if result.isError else text


def test_every_tool_says_what_it_does_and_takes(address: str) -> None:
    async def work(client: Any) -> Any:
        return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in in_session(address, work)}
    assert {"open_picture", "segment_point", "segment_box", "segment_everything", "ask", "export"} <= set(tools)
    for tool in tools.values():
        jsonschema.Draft202012Validator.check_schema(tool.inputSchema)
        assert len(tool.description) > 30, tool.name
        given = tool.inputSchema["properties"]
        assert "session" in given
        assert "request" not in given
        assert [name for name, said in given.items() if not said.get("description")] == [], tool.name
    assert tools["segment_box"].inputSchema["properties"]["box_xyxy"]["type"] == "array"
    assert tools["ask"].inputSchema["required"] == ["question"]


@pytest.mark.parametrize("older", [False, True])
def test_a_region_from_click_to_answer(address: str, older: bool) -> None:
    async def work(client: Any) -> list[str]:
        opened = json.loads(await call(client, "open_picture", file=data_url()))
        session = opened["session"]
        box = await call(client, "segment_box", box_xyxy=[190, 50, 320, 170], session=session)
        answer = await call(client, "ask", question="What is it?", session=session)
        return [json.dumps(opened), box, answer, await call(client, "export", session=session)]

    opened, box, answer, archive = in_session(address, work, older)
    assert json.loads(opened)["width"] == 360
    assert (decode_rle(json.loads(box)["rle"]) == fakes.shape("blue")).all()
    assert "rgb=40,60,200" in answer
    assert archive.endswith(".zip")


@pytest.mark.parametrize("older", [False, True])
def test_strangers_on_the_shared_connection_never_meet(address: str, older: bool) -> None:
    async def owner(client: Any) -> str:
        session = json.loads(await call(client, "open_picture", file=data_url()))["session"]
        await call(client, "segment_point", x=80, y=100, session=session)
        return str(session)

    async def stranger(client: Any) -> list[str]:
        session = json.loads(await call(client, "open_picture", file=data_url()))["session"]
        return [
            session,
            await call(client, "ask", question="What is @1?"),
            await call(client, "segment_everything"),
            await call(client, "export"),
            await call(client, "ask", question="What is @1?", session=session),
            await call(client, "ask", question="What is @1?", session="guessed"),
        ]

    first = in_session(address, owner, older)
    session, *refused = in_session(address, stranger, older)
    assert session != first
    assert all(text.startswith("refused: ") for text in refused)
    assert all("session that open_picture returned" in text for text in refused[:3])
    assert "Nothing is marked" in refused[3]
    assert "not kept any more" in refused[4]


def test_a_program_with_its_own_connection_needs_no_session(address: str, tmp_path: Path) -> None:
    in_session(address, lambda client: call(client, "open_picture", file=data_url()))
    fakes.picture().save(tmp_path / "mine.png")
    client = Client(address, verbose=False)
    client.predict(handle_file(str(tmp_path / "mine.png")), api_name="/open_picture")
    assert client.predict(80, 100, api_name="/segment_point")["box_xyxy"] == [40, 50, 120, 150]


@pytest.mark.parametrize("told", ["gradio_client", "mcp"])
def test_the_snippets_for_programs_run(
    address: str, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    section = PROGRAMS.split("\n## ")[0]
    snippets = [
        code for code in re.findall(r"```python\n(.*?)```", section, re.DOTALL) if f"from {told} import" in code
    ]
    assert len(snippets) == 1
    monkeypatch.chdir(Path(__file__).parents[3])
    in_own_thread(
        exec, snippets[0].replace("http://127.0.0.1:7860/", address), {"__name__": "snippet"}
    )  # the snippet is ours
    out = capsys.readouterr().out
    assert "area=" in out
    assert re.search(r"\[\d+, \d+, \d+, \d+\]", out)


def large_data_url(megabytes: int) -> str:
    """A picture with much to compress in it, of about so many megabytes."""
    side = int((megabytes * 1e6 / 3) ** 0.5)
    pixels = np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=0)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def test_a_picture_of_many_megabytes_opens(address: str) -> None:
    opened = in_session(address, lambda client: call(client, "open_picture", file=large_data_url(12)))
    assert json.loads(opened)["width"] == 2000


def test_a_picture_beyond_the_limit_is_a_sentence(address: str) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"file": "x" * 56_000_000}}
    headers = {"Accept": "application/json, text/event-stream"}
    reply = httpx.post(f"{address}gradio_api/mcp/", json=body, headers=headers, timeout=60)
    assert reply.status_code == 413
    assert reply.json()["detail"] == "The file is larger than 40 MB; shrink the picture and try again."
