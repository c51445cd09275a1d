"""Which Host and Origin headers are served."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from demo.api.known_hosts import KnownHosts, RequireLoopbackPeer
from tests.demo.api.threads import in_own_thread

SPACE = {"SPACE_ID": "me/osprey", "SPACE_HOST": "me-osprey.hf.space"}


@pytest.mark.parametrize(
    ("host", "origin", "served"),
    [
        ("127.0.0.1:7860", None, True),
        ("localhost:7860", "http://localhost:7860", True),
        ("LOCALHOST", "http://127.0.0.1:3000", True),
        ("[::1]:7860", "http://[::1]:7860", True),
        ("osprey.localhost:7860", None, True),
        (None, None, True),
        ("evil.example:7860", None, False),
        ("evil.example:7860", "http://evil.example:7860", False),
        ("127.0.0.1.evil.example", None, False),
        ("localhost.evil.example", None, False),
        ("192.168.1.5:7860", None, False),
        ("127.0.0.1:7860", "https://evil.example", False),
        ("127.0.0.1:7860", "null", False),
        ("127.0.0.1:7860", "https://127.0.0.1@evil.example", False),
    ],
)
def test_on_loopback_only_loopback_names_are_known(host: str | None, origin: str | None, served: bool) -> None:
    assert KnownHosts("127.0.0.1").accepts(host, origin) is served


def test_further_names_can_be_allowed() -> None:
    hosts = KnownHosts("127.0.0.1", ["osprey.example.org", ".lab.example"])
    assert hosts.accepts("osprey.example.org", "https://osprey.example.org")
    assert hosts.accepts("gpu1.lab.example:8080", None)
    assert not hosts.accepts("example.org", None)
    assert not hosts.accepts("evillab.example", None)


def test_for_other_computers_ip_addresses_and_the_own_name_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "MyBox")
    hosts = KnownHosts("0.0.0.0")
    assert hosts.accepts("192.168.1.5:7860", "http://192.168.1.5:7860")
    assert hosts.accepts("mybox:7860", "http://mybox:7860")
    assert hosts.accepts("mybox.local:7860", None)
    assert not hosts.accepts("evil.example:7860", None)
    assert not hosts.accepts("192.168.1.5:7860", "https://evil.example")


@pytest.mark.parametrize("host", ["me-osprey.hf.space", "10.0.3.7:7860", "osprey.its-own-domain.example", "localhost"])
def test_on_a_space_the_page_opens_under_every_name(host: str) -> None:
    hosts = KnownHosts("0.0.0.0", environment=SPACE)
    assert hosts.accepts(host, None)
    assert hosts.accepts(host, f"https://{host}")
    assert hosts.accepts(host, "https://huggingface.co")
    assert hosts.accepts(host, "https://me-osprey.hf.space")
    assert not hosts.accepts(host, "https://evil.example")


def test_the_share_link_is_known_once_it_is_there() -> None:
    hosts = KnownHosts("127.0.0.1")
    assert not hosts.accepts("1a2b3c.gradio.live", None)
    hosts.add("https://1a2b3c.gradio.live")
    assert hosts.accepts("1a2b3c.gradio.live", "https://1a2b3c.gradio.live")
    assert not hosts.accepts("other.gradio.live", None)


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        (("127.0.0.1", 5), 200),
        (("::1", 5), 200),
        (("::ffff:127.0.0.1", 5), 200),
        (("192.168.1.5", 5), 403),
        (("::ffff:10.0.0.1", 5), 403),
        (None, 403),
    ],
)
def test_a_host_header_lets_nobody_in_from_elsewhere(peer: tuple[str, int] | None, status: int) -> None:
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "client": peer, "headers": [(b"host", b"localhost")], "query_string": b"", "path": "/"}
    in_own_thread(lambda: asyncio.run(RequireLoopbackPeer(app)(scope, None, send)))
    assert sent[0]["status"] == status
