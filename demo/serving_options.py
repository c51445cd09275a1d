"""Who may see the page and how it is served: logins, TLS files, the path behind a reverse proxy. Checked values."""

from __future__ import annotations

import ssl
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

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise InputError("options.tls_half")
        if self.certificate is not None and self.key is not None:
            _check_tls(self.certificate, self.key)
        parts = urlsplit(self.root_path)
        is_address = parts.scheme in ("http", "https") and bool(parts.netloc)
        if self.root_path and not is_address and (parts.scheme or parts.netloc or not self.root_path.startswith("/")):
            raise InputError("options.root_path_invalid", value=repr(self.root_path))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The name of the reverse proxy, if its whole address is given."""
        host = urlsplit(self.root_path).hostname
        return (host,) if host else ()

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


def _check_tls(certificate: Path, key: Path) -> None:
    for file in (certificate, key):
        if not file.is_file():
            raise InputError("options.tls_missing", path=str(file))
    try:
        # Without a password given, Python would ask for it on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        raise InputError("options.tls_unusable", certificate=str(certificate), key=str(key)) from None
