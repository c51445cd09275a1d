"""Logins, TLS and the path behind a reverse proxy: checked at the start, and kept to by the served page."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.app import build_app
from demo.launch import launch
from demo.options import Options, read_options
from demo.serving_options import ServingOptions, read_logins
from osprey_core.errors import InputError
from tests import fakes


@pytest.fixture(scope="module")
def pem_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*words, "-out", str(certificate), "-keyout", str(key)], check=True, capture_output=True)
    return certificate, key


@contextmanager
def served(tmp_path: Path, serving: ServingOptions) -> Iterator[str]:
    fakes.picture().save(tmp_path / "one.png")
    app = build_app(fakes.FakeModel(), fakes.FakeSegmenter(), Options(), tmp_path)
    app.queue(default_concurrency_limit=4)
    options: dict[str, Any] = serving.launch_options()
    try:
        yield launch(app, "127.0.0.1", fakes.free_port(), prevent_thread_lock=True, quiet=True, **options)
    finally:
        app.close(verbose=False)


def test_options_come_from_flags_and_variables(pem_files: tuple[Path, Path]) -> None:
    assert read_options([], {}).serving == ServingOptions()
    certificate, key = pem_files
    words = ["--auth", "ann:a b:c", "--auth", "bob:x", "--tls-cert", str(certificate), "--tls-key", str(key)]
    serving = read_options([*words, "--root-path", "/osprey/"], {"OSPREY_AUTH": "other:y"}).serving
    assert serving == ServingOptions((("ann", "a b:c"), ("bob", "x")), certificate, key, "/osprey/")
    assert serving.launch_options()["root_path"] == "/osprey"
    assert read_options([], {"OSPREY_AUTH": "ann:1 bob:2"}).serving.logins == (("ann", "1"), ("bob", "2"))
    behind = read_options([], {"OSPREY_ROOT_PATH": "https://example.org/osprey"}).serving
    assert behind.hosts == ("example.org",)


def test_a_password_shows_nowhere() -> None:
    assert "secret" not in repr(Options(serving=ServingOptions((("ann", "secret"),))))
    for text in ("ann", "secret", ":secret", "ann:", " :secret"):
        with pytest.raises(InputError) as caught:
            read_logins([text])
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("root_path", ["osprey", "ftp://x/y", "//x", "https://"])
def test_what_is_no_path_is_refused(root_path: str) -> None:
    with pytest.raises(InputError, match="--root-path"):
        ServingOptions(root_path=root_path)


def test_tls_files_are_checked(pem_files: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = pem_files
    (tmp_path / "bad").write_text("no key")
    locked = tmp_path / "locked.pem"
    words = ["openssl", "rsa", "-aes256", "-passout", "pass:x", "-in", str(key), "-out", str(locked)]
    subprocess.run(words, check=True, capture_output=True)
    for given, sentence in (
        ((certificate, None), "needs both"),
        ((None, key), "needs both"),
        ((certificate, tmp_path / "none"), "no file"),
        ((certificate, tmp_path / "bad"), "are no certificate"),
        ((key, certificate), "are no certificate"),
        ((certificate, locked), "are no certificate"),
    ):
        with pytest.raises(InputError, match=sentence):
            ServingOptions(certificate=given[0], key=given[1])


def test_without_a_login_nothing_is_served(tmp_path: Path) -> None:
    with served(tmp_path, ServingOptions((("ann", "secret"),))) as address, httpx.Client(base_url=address) as client:
        body = {"data": ["one.png"], "session_hash": "abcdefgh1234", "fn_index": 0}
        for answer in (
            client.get("/config"),
            client.get("/gradio_api/info"),
            client.post("/gradio_api/queue/join", json=body),
            client.post("/gradio_api/call/open_picture", json=body),
            client.post("/gradio_api/upload", files={"files": ("a.png", b"x")}),
        ):
            assert answer.status_code == 401, answer.url
        assert client.post("/login", data={"username": "ann", "password": "wrong"}).status_code == 400
        assert client.post("/login", data={"username": "ann", "password": "secret"}).status_code == 200
        assert client.get("/config").status_code == 200


def test_the_page_is_served_over_tls(tmp_path: Path, pem_files: tuple[Path, Path]) -> None:
    certificate, key = pem_files
    with served(tmp_path, ServingOptions(certificate=certificate, key=key)) as address:
        assert address.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(certificate))
        trusting.check_hostname = False  # the certificate is for localhost, the address is a number
        with httpx.Client(base_url=address, verify=trusting) as client:
            assert client.get("/config").status_code == 200


def test_behind_a_reverse_proxy_the_page_names_its_path(tmp_path: Path) -> None:
    with served(tmp_path, ServingOptions(root_path="/osprey/")) as address:
        page = httpx.get(address).text
        root = re.search(r'"root": ?"([^"]*)"', page)
        assert root is not None
        assert root[1].endswith("/osprey")
        assert httpx.get(f"{address}/osprey/gradio_api/run/x").status_code == 404
