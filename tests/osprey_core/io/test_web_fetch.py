"""Files from the web: only from public addresses, whatever a name or a redirect says, within size and time."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from osprey_core.errors import InputError
from osprey_core.io.web_fetch import fetch, is_public


class Pages(http.server.BaseHTTPRequestHandler):
    asked: list[tuple[str, str]] = []  # noqa: RUF012 - of the class on purpose: one server per test

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Host"]))
        kind, _, rest = self.path.strip("/").partition("/")
        if kind == "to":
            self.send_response(302)
            self.send_header("Location", self.path if not rest else unquote(rest).replace("|", "/"))
            self.end_headers()
        elif kind == "missing":
            self.send_error(404)
        elif kind == "drip":
            self.send_response(200)
            self.end_headers()
            for _ in range(200):
                try:
                    self.wfile.write(b".")
                    time.sleep(0.05)
                except OSError:
                    return
        else:
            size = int(rest.split(".")[0]) if kind == "size" else 3
            self.send_response(200)
            if "?unsaid" not in self.path:
                self.send_header("Content-Length", str(size))
            self.end_headers()
            self.wfile.write(b"x" * size)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.daemon_threads = True
    Pages.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def anywhere(ip: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700:4700::1111", True),
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_what_is_there_and_its_name(site: str) -> None:
    assert fetch(f" {site}/some/my%20cat.png?size=1 ", is_allowed=anywhere) == (b"xxx", "my cat.png")
    assert fetch(site, is_allowed=anywhere) == (b"xxx", "127.0.0.1")
    assert Pages.asked == [("/some/my%20cat.png?size=1", site[7:]), ("/", site[7:])]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433"])
def test_nothing_of_our_own_computer_is_reached(site: str, host: str) -> None:
    with pytest.raises(InputError, match="not in the public internet"):
        fetch(site.replace("127.0.0.1", host))
    assert Pages.asked == []


def test_a_name_that_stands_for_a_private_address_as_well_is_refused(
    site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("8.8.8.8", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("connected"))
    with pytest.raises(InputError, match="not in the public internet"):
        fetch("http://pictures.example/cat.png")


def test_the_connection_goes_to_the_address_that_was_checked(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(site.rsplit(":", 1)[1])
    looked_up: list[str] = []

    def found(host: str, port: int, **_: Any) -> list[Any]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    connect = socket.create_connection
    reached: list[str] = []

    def connected(address: tuple[str, int], **how: Any) -> socket.socket:
        reached.append(address[0])
        raw = socket.socket()
        raw.settimeout(how["timeout"])
        raw.connect(address)  # an IP: no further look-up
        return raw

    assert connect is not connected
    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(socket, "create_connection", connected)
    checked: list[str] = []
    data, _ = fetch(f"http://pictures.example:{port}/cat.png", is_allowed=lambda ip: checked.append(ip) is None)  # type: ignore[func-returns-value]
    assert (data, looked_up, checked, reached) == (b"xxx", ["pictures.example"], ["127.0.0.1"], ["127.0.0.1"])
    assert Pages.asked == [("/cat.png", f"pictures.example:{port}")]


def test_redirects_are_followed_and_each_is_checked(site: str) -> None:
    assert fetch(f"{site}/to/|a.png", is_allowed=anywhere) == (b"xxx", "a.png")
    with pytest.raises(InputError, match="not in the public internet"):
        fetch(f"{site}/to/http:||127.0.0.2|a.png", is_allowed=lambda ip: ip == "127.0.0.1")
    with pytest.raises(InputError, match="no address of a picture"):
        fetch(f"{site}/to/file:|||etc|passwd", is_allowed=anywhere)
    with pytest.raises(InputError, match="no address of a picture"):
        fetch(f"{site}/to/http:||[", is_allowed=anywhere)
    with pytest.raises(InputError, match="without end"):
        fetch(f"{site}/to/", is_allowed=anywhere)
    assert len(Pages.asked) < 15


@pytest.mark.parametrize("how", ["", "?unsaid"])
def test_no_more_is_read_than_allowed(site: str, how: str) -> None:
    assert len(fetch(f"{site}/size/1000000.png{how}", max_bytes=1_000_000, is_allowed=anywhere)[0]) == 1_000_000
    with pytest.raises(InputError, match="larger than 1 MB"):
        fetch(f"{site}/size/1000001.png{how}", max_bytes=1_000_000, is_allowed=anywhere)


def test_a_server_that_drips_does_not_hold_us(site: str) -> None:
    with pytest.raises(InputError, match=r"within 0\.5 seconds"):
        fetch(f"{site}/drip", seconds=0.5, is_allowed=anywhere)


def test_what_is_missing_is_told(site: str) -> None:
    with pytest.raises(InputError, match="answers 404"):
        fetch(f"{site}/missing", is_allowed=anywhere)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "cat.png",
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "http://",
        "http://[",
        "http://a:99999/",
        "http://a b/",
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InputError, match="no address of a picture"):
        fetch(address)


def test_no_passwords() -> None:
    with pytest.raises(InputError, match="password"):
        fetch("https://me:secret@example.com/a.png")
