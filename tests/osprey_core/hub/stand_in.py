"""A stand-in for the Hub's side of an upload on loopback: it creates a repository, takes large files, and commits."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback import serving

COMMIT = "a" * 40
LARGE = (".safetensors", ".png")
DROPPED = 0
"""In the place of a status: the connection is closed without an answer."""


@dataclass
class UploadHub:
    """What was uploaded; `faults` says what goes wrong."""

    token: str = "hf_writer"
    faults: dict[str, int] = field(default_factory=dict)
    """Part of a path → the status of every answer there."""
    message: str = "The Hub's own words."
    exists: bool = False
    """Whether the repository exists already; if so, `public` says which kind it is."""
    public: bool = False
    created: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the requests to create the repository."""
    branches: list[str] = field(default_factory=list)
    large: dict[str, bytes] = field(default_factory=dict)
    """Large files by their SHA-256."""
    commits: list[tuple[str, str]] = field(default_factory=list)
    """Branch and message of every commit."""
    files: dict[str, bytes] = field(default_factory=dict)
    """What the repository holds after the last commit."""

    def __enter__(self) -> UploadHub:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *words: Any) -> None:
                pass

            def do_GET(self) -> None:
                hub._answer(self)

            def do_POST(self) -> None:
                hub._answer(self)

            def do_PUT(self) -> None:
                hub._answer(self)

        self._serving = serving(Handler)
        self.address = self._serving.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._serving.__exit__(None, None, None)

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        fault = next((status for part, status in self.faults.items() if part in request.path), None)
        if fault == DROPPED:
            request.close_connection = True
            request.connection.close()
        elif fault is not None:
            self._send(request, fault, {"error": self.message})
        elif "/lfs/" not in request.path and request.headers.get("Authorization") != f"Bearer {self.token}":
            self._send(request, 401, {"error": "Invalid user token."})
        else:
            self._send(request, *self._done(request.path, body))

    def _done(self, path: str, body: bytes) -> tuple[int, Any]:
        """Do what a request asks for; status and body of the answer."""
        if path == "/api/repos/create":
            self.created.append(json.loads(body))
            return (409 if self.exists else 200), {"url": f"{self.address}/owner/model"}
        if path == "/api/models/owner/model":
            if not (self.exists or self.created):
                return 404, {"error": "Repository not found"}
            return 200, {"id": "owner/model", "private": not (self.exists and self.public)}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if "/branch/" in path:
            self.branches.append(path.rpartition("/")[2])
            return 200, {}
        if "/preupload/" in path:
            asked = [file["path"] for file in json.loads(body)["files"]]
            modes = [("lfs" if name.endswith(LARGE) else "regular") for name in asked]
            told = [
                {"path": name, "uploadMode": mode, "shouldIgnore": False}
                for name, mode in zip(asked, modes, strict=True)
            ]
            return 200, {"files": told}
        if path.endswith("/info/lfs/objects/batch"):
            objects = json.loads(body)["objects"]
            upload = [
                {**entry, "actions": {"upload": {"href": f"{self.address}/lfs/{entry['oid']}"}}} for entry in objects
            ]
            return 200, {"transfer": "basic", "objects": upload}
        if path.startswith("/lfs/"):
            assert hashlib.sha256(body).hexdigest() == path.rpartition("/")[2]
            self.large[path.rpartition("/")[2]] = body
            return 200, {}
        assert "/commit/" in path, path
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "header":
                self.commits.append((path.rpartition("/")[2], value["summary"]))
            elif entry["key"] == "lfsFile":
                self.files[value["path"]] = self.large[value["oid"]]
            else:
                self.files[value["path"]] = base64.b64decode(value["content"])
        return 200, {"commitOid": COMMIT, "commitUrl": f"{self.address}/owner/model/commit/{COMMIT}", "success": True}

    def _send(self, request: BaseHTTPRequestHandler, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)
