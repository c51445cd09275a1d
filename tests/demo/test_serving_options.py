"""Logins, TLS and the path behind a reverse proxy: checked at the start, and kept to by the served page."""

from __future__ import annotations

import hashlib
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from demo.api.api_keys import ApiKeys
from demo.api.own_session import USE_THE_QUEUE
from demo.app import build_app
from demo.launch import launch
from demo.options import Options, read_options
from demo.serving_options import ServingOptions, read_key_sums, read_logins
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
        named = re.search(r'"root": ?"([^"]*)"', page)
        assert named is not None
        assert named[1].endswith("/osprey")
        server = address.rstrip("/")
        for root in ("", "/osprey"):
            refused = httpx.post(f"{server}{root}/gradio_api/run/open_picture", json={"data": []})
            assert (refused.status_code, refused.json()["detail"]) == (404, USE_THE_QUEUE)
        manifest = httpx.get(f"{server}/manifest.json")
        assert manifest.json() == httpx.get(f"{server}/osprey/manifest.json").json()
        assert manifest.headers["content-type"] == "application/manifest+json"
        (icon,) = manifest.json()["icons"]
        at = urljoin("https://proxy.example/osprey/manifest.json", icon["src"])
        assert at == "https://proxy.example/osprey/pwa_icon"
        sent = httpx.get(f"{server}/{icon['src']}")
        assert sent.headers["content-type"].startswith(icon["type"])
        assert b"<svg" in sent.content


def test_other_computers_are_let_in_only_where_somebody_said_who(tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text(f"# of programs\n\nann {hashlib.sha256(b'secret').hexdigest().upper()}\n")
    for words, environment in (
        (["--host", "0.0.0.0"], {}),
        ([], {"GRADIO_SERVER_NAME": "0.0.0.0"}),
        (["--host", "::"], {}),
        (["--host", "gpu.example.org"], {}),
    ):
        with pytest.raises(InputError, match="--public"):
            read_options(words, environment)
        assert read_options([*words, "--public"], environment).serving.is_public
        assert read_options(words, {**environment, "SPACE_ID": "me/osprey"}).serving.is_public
        assert read_options(words, {**environment, "OSPREY_AUTH": "ann:1"}).serving.logins
        serving = read_options([*words, "--api-keys", str(keys)], environment).serving
        assert serving.key_sums == (hashlib.sha256(b"secret").hexdigest(),)
        assert serving.page_needs_key
    for words in (["--host", "localhost"], ["--host", "127.0.0.5"], ["--host", "::1"], []):
        assert not read_options(words, {}).serving.is_public


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("", "holds none"), ("ann\n", "Line 1"), ("# x\nann 1234\n", "Line 2"), (None, "cannot be read")],
)
def test_a_file_of_keys_is_checked(content: str | None, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InputError, match=sentence):
        read_key_sums(file)


def test_a_new_key_and_its_line_belong_together(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "demo.serving_options", "ann"]
    made = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    (tmp_path / "keys.txt").write_text(made.stdout)
    key = made.stderr.split()[-1]
    assert read_key_sums(tmp_path / "keys.txt") == (hashlib.sha256(key.encode()).hexdigest(),)
    assert key not in made.stdout


def test_proxies_are_addresses_or_networks() -> None:
    assert read_options(["--trusted-proxies", "10.0.0.0/8,::1"], {}).serving.trusted_proxies == "10.0.0.0/8,::1"
    with pytest.raises(InputError, match="'nginx'"):
        read_options([], {"OSPREY_TRUSTED_PROXIES": "10.0.0.1, nginx"})


def test_limits_of_queue_and_answers_are_options() -> None:
    assert (read_options([], {}).queue_length, read_options([], {}).answer_seconds) == (512, 0)
    assert read_options([], {"SPACE_ID": "me/osprey"}).answer_seconds == 300
    options = read_options(["--queue-length", "3", "--answer-seconds", "20"], {"OSPREY_ANSWER_SECONDS": "5"})
    assert (options.queue_length, options.answer_seconds) == (3, 20)
    assert read_options([], {}).answers_together == 0
    assert read_options(["--answers-together", "1"], {"OSPREY_ANSWERS_TOGETHER": "5"}).answers_together == 1
    for words in (
        ["--queue-length", "0"],
        ["--answer-seconds", "-1"],
        ["--answer-seconds", "soon"],
        ["--answers-together", "-1"],
    ):
        with pytest.raises(InputError, match=words[0]):
            read_options(words, {})


@pytest.mark.parametrize(
    ("for_page", "for_endpoints", "open_paths"),
    [(False, True, {"/": 200}), (True, True, {}), (False, False, {"/": 200, "/gradio_api/call/ask": 422})],
)
def test_keys_open_what_they_are_needed_for(
    for_page: bool, for_endpoints: bool, open_paths: dict[str, int], tmp_path: Path
) -> None:
    fakes.picture().save(tmp_path / "one.png")
    app = build_app(fakes.FakeModel(), fakes.FakeSegmenter(), Options(), tmp_path)
    app.queue(default_concurrency_limit=4)
    keys = ApiKeys((hashlib.sha256(b"secret").hexdigest(),), for_page, for_endpoints)
    try:
        address = launch(app, "127.0.0.1", fakes.free_port(), prevent_thread_lock=True, quiet=True, api_keys=keys)
        with httpx.Client(base_url=address) as http:
            assert http.get("/health").status_code == 200
            for path in ("/", "/v1/models", "/gradio_api/call/ask", "/gradio_api/mcp/"):
                method = "POST" if "gradio_api" in path else "GET"
                refused = http.request(method, path, headers={"Authorization": "Bearer wrong"}, json={})
                let_in = http.request(method, path, headers={"Authorization": "Bearer secret"}, json={})
                assert let_in.status_code != 401
                if refused.status_code != 401:
                    assert path in open_paths or (path.endswith("mcp/") and not for_endpoints)
                else:
                    assert path not in open_paths
                    assert "Authorization: Bearer" in refused.text
                    assert refused.headers["www-authenticate"] == "Bearer"
            error = http.get("/v1/models").json()["error"]
            assert error["code"] == "invalid_api_key"
            models = http.get("/v1/models", headers={"Authorization": "bearer  secret"}).json()
            assert models["object"] == "list"
    finally:
        app.close(verbose=False)
