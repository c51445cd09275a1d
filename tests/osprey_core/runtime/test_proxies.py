"""Traffic to this machine goes around every proxy, and a proxy that cannot be used is left out.

That the program starts behind proxies that lead nowhere is seen in `tests/demo/test_program.py`.
"""

from __future__ import annotations

import pytest

from osprey_core.runtime.proxies import settle_proxies


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
