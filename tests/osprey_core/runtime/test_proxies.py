"""Traffic to this machine goes around every proxy, and a proxy that cannot be used does not stop the program."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from osprey_core.runtime.proxies import settle_proxies
from tests.fakes import free_port

ROOT = Path(__file__).parents[3]


def test_without_proxies_nothing_changes() -> None:
    environment = {"PATH": "x", "NO_PROXY": "a.org"}
    settle_proxies(environment=environment)
    assert environment == {"PATH": "x", "NO_PROXY": "a.org"}


def test_this_machine_is_excepted_and_older_exceptions_stay() -> None:
    environment = {"HTTP_PROXY": "http://proxy:3128", "no_proxy": "intern.org, localhost"}
    settle_proxies("my.host", "0.0.0.0", environment=environment)
    assert environment["no_proxy"] == "intern.org,localhost,127.0.0.1,::1,my.host"
    assert environment["NO_PROXY"] == environment["no_proxy"]
    assert environment["HTTP_PROXY"] == "http://proxy:3128"


@pytest.mark.parametrize("address", ["socks4://h:1", "ftp://h:1", "http://h:port", "http://"])
def test_a_proxy_that_cannot_be_used_is_left_out(address: str, caplog: pytest.LogCaptureFixture) -> None:
    environment = {"all_proxy": address, "ALL_PROXY": address, "https_proxy": "http://good:1"}
    settle_proxies(environment=environment)
    assert {name.lower() for name in environment} == {"https_proxy", "no_proxy"}
    assert "all_proxy is not used" in caplog.text


def test_a_warning_shows_no_password(caplog: pytest.LogCaptureFixture) -> None:
    settle_proxies(environment={"http_proxy": "http://me:secret@h:port"})
    assert "not used" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.slow
def test_the_page_starts_behind_proxies_that_lead_nowhere(tmp_path: Path) -> None:
    port = free_port()
    nowhere = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "nonsense://x:y", "ALL_PROXY": "socks5://127.0.0.1:9"}
    environment = {**os.environ, **nowhere, "GRADIO_ANALYTICS_ENABLED": "False"}
    command = [sys.executable, "app.py", "--port", str(port), "--segmenter", "classic", "--mcp", "off"]
    with (tmp_path / "log").open("w") as log:
        page = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            for _ in range(300):
                assert page.poll() is None, (tmp_path / "log").read_text()
                if "Running on local URL" in (tmp_path / "log").read_text():
                    break
                try:
                    page.wait(0.5)
                except subprocess.TimeoutExpired:
                    continue
            with opener.open(f"http://127.0.0.1:{port}/", timeout=30) as answer:
                assert answer.status == 200
        finally:
            page.terminate()
            page.wait(30)
