"""Who may see the page and how it is served: logins, TLS files, the path behind a reverse proxy. Checked values."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from osprey_core.errors import InputError


@dataclass(frozen=True)
class ServingOptions:
    """Options of serving beside host and port; by default everybody may see the page, unencrypted, at its root."""

    logins: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Names and passwords; without any, no login is asked for."""
    certificate: Path | None = None
    key: Path | None = None
    """PEM files with which the page is served over TLS: both or neither."""
    root_path: str = ""
    """Where a reverse proxy serves the page: "/osprey", or its whole address."""
    key_sums: tuple[str, ...] = ()
    """SHA-256 of the keys of programs, in hex; without any, no key is asked for."""
    is_public: bool = False
    """Whether everybody who reaches the page's address may use it."""
    trusted_proxies: str = ""
    """Addresses and networks of proxies, parted by commas; "" for those on this computer."""

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise InputError("options.tls_half")
        if self.certificate is not None and self.key is not None:
            _check_tls(self.certificate, self.key)
        for proxy in filter(None, self.trusted_proxies.split(",")):
            _check_network(proxy)
        parts = urlsplit(self.root_path)
        is_address = parts.scheme in ("http", "https") and bool(parts.netloc)
        if self.root_path and not is_address and (parts.scheme or parts.netloc or not self.root_path.startswith("/")):
            raise InputError("options.root_path_invalid", value=repr(self.root_path))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The name of the reverse proxy, if its whole address is given."""
        host = urlsplit(self.root_path).hostname
        return (host,) if host else ()

    def check_host(self, host: str) -> None:
        """Raise InputError if other computers reach this address, and nothing says who may use the page."""
        if not (_is_loopback(host) or self.is_public or self.logins or self.key_sums):
            raise InputError("options.host_open", host=host)

    @property
    def page_needs_key(self) -> bool:
        """Whether the page itself is for the owners of keys only."""
        return bool(self.key_sums) and not self.logins and not self.is_public

    def launch_options(self) -> dict[str, Any]:
        """As options of Gradio's `launch`."""
        options: dict[str, Any] = {}
        if self.logins:
            options["auth"] = list(self.logins)
        if self.certificate is not None:
            # The program's own call to itself goes to an IP address, which certificates do not name.
            options |= {"ssl_certfile": str(self.certificate), "ssl_keyfile": str(self.key), "ssl_verify": False}
        if self.root_path:
            options["root_path"] = self.root_path.rstrip("/")
        return options


def read_logins(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Names and passwords from texts NAME:PASSWORD. Raises InputError, which shows no password."""
    logins = []
    for text in texts:
        name, colon, password = text.partition(":")
        if not (name.strip() and colon and password):
            raise InputError("options.login_invalid")
        logins.append((name, password))
    return tuple(logins)


def read_key_sums(file: Path | None) -> tuple[str, ...]:
    """The sums in a file of lines NAME SUM; empty lines and those that begin with # count for nothing.

    Raises InputError if the file cannot be read, holds no sum, or a line is something else.
    """
    if file is None:
        return ()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InputError("options.api_keys_unreadable", path=str(file)) from None
    sums = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or not re.fullmatch("[0-9a-fA-F]{64}", words[1]):
            raise InputError("options.api_keys_line", path=str(file), line=number)
        sums.append(words[1].lower())
    if not sums:
        raise InputError("options.api_keys_empty", path=str(file))
    return tuple(sums)


def _is_loopback(host: str) -> bool:
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _check_network(text: str) -> None:
    try:
        if text.strip() != "*":
            ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise InputError("options.proxy_invalid", value=repr(text.strip())) from None


def _check_tls(certificate: Path, key: Path) -> None:
    for file in (certificate, key):
        if not file.is_file():
            raise InputError("options.tls_missing", path=str(file))
    try:
        # Without a password given, Python would ask for it on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        raise InputError("options.tls_unusable", certificate=str(certificate), key=str(key)) from None


if __name__ == "__main__":
    # The key is shown once and kept nowhere; the line is for the file of --api-keys.
    new_key = "osprey-" + secrets.token_urlsafe(32)
    print(f"The key, which is not shown again: {new_key}", file=sys.stderr)
    print(" ".join(sys.argv[1:2]) or "program", hashlib.sha256(new_key.encode()).hexdigest())
