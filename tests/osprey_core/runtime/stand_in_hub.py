"""A stand-in for the Hugging Face Hub on this machine: one repository, with faults on request."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.loopback import serving

REPO = "owner/model"
COMMIT = "c" * 40


@dataclass
class StandInHub:
    """Serves `files`; what it does wrong is set by the other fields, which may change while it runs."""

    files: dict[str, bytes]
    cut_after: list[int] = field(default_factory=list)
    """Bytes after which the next answers with a file's content break off; used up one by one."""
    failing: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses (with headers) of the next answers of any kind; used up one by one."""
    always: int | None = None
    """The status of every answer."""
    error_code: str | None = None
    """The Hub's own word for an error, in its header."""
    commit: str = COMMIT
    damaged: bool = False
    """Whether contents differ from their sums."""
    seconds_per_chunk: float = 0.0
    ranges: list[tuple[str, str | None]] = field(default_factory=list)
    """File and Range header of every request for content."""

    def __enter__(self) -> StandInHub:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *words: Any) -> None:
                pass

            def do_HEAD(self) -> None:
                hub._answer(self, with_body=False)

            def do_GET(self) -> None:
                hub._answer(self, with_body=True)

        self._serving = serving(Handler)
        self.address = self._serving.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._serving.__exit__(None, None, None)

    def sum_of(self, name: str) -> str:
        """The ETag of a file: sha256 for weights, as of LFS files; git's own sum for others."""
        data = self.files[name]
        if name.endswith((".bin", ".safetensors")):
            return hashlib.sha256(data).hexdigest()
        return hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()

    def _answer(self, request: BaseHTTPRequestHandler, with_body: bool) -> None:
        status, headers = (self.always, {}) if self.always else (self.failing.pop(0) if self.failing else (200, {}))
        if status != 200:
            if self.error_code:
                headers = headers | {"X-Error-Code": self.error_code}
            self._send(request, status, headers, b"", with_body)
            return
        parts = unquote(urlsplit(request.path).path).strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            siblings = [{"rfilename": name} for name in self.files]
            body = {"id": REPO, "modelId": REPO, "sha": self.commit, "siblings": siblings, "tags": [], "private": False}
            if "tree" in parts:
                tree = [
                    {"type": "file", "path": name, "size": len(data), "oid": self.sum_of(name)}
                    for name, data in self.files.items()
                ]
                self._send(request, 200, {"Content-Type": "application/json"}, json.dumps(tree).encode(), with_body)
                return
            self._send(request, 200, {"Content-Type": "application/json"}, json.dumps(body).encode(), with_body)
            return
        name = "/".join(parts[4:])
        if name not in self.files:
            self._send(request, 404, {"X-Error-Code": "EntryNotFound"}, b"", with_body)
            return
        self._send_file(request, name, with_body)

    def _send_file(self, request: BaseHTTPRequestHandler, name: str, with_body: bool) -> None:
        data = self.files[name]
        wanted = request.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
        etag = self.sum_of(name)
        headers = {
            "X-Repo-Commit": self.commit,
            "ETag": f'"{etag}"',
            "X-Linked-Etag": f'"{etag}"',
            "X-Linked-Size": str(len(data)),
            "Accept-Ranges": "bytes",
        }
        if not with_body:
            self._send(request, 200, headers, data, with_body)
            return
        self.ranges.append((name, wanted))
        if self.damaged:
            data = bytes([data[0] ^ 1]) + data[1:]
        status = 206 if wanted else 200
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        cut = self.cut_after.pop(0) if self.cut_after else None
        self._send(request, status, headers, data[start:], True, cut)

    def _send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        headers: dict[str, str],
        body: bytes,
        with_body: bool,
        cut: int | None = None,
    ) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if not with_body:
            return
        try:
            sent = body if cut is None else body[:cut]
            step = len(sent) if not self.seconds_per_chunk else 65536
            for place in range(0, len(sent), max(1, step)):
                request.wfile.write(sent[place : place + step])
                request.wfile.flush()
                if self.seconds_per_chunk:
                    threading.Event().wait(self.seconds_per_chunk)
        except OSError:
            pass
        if cut is not None:
            request.close_connection = True
            request.connection.close()
