"""The folder of uploaded files: bounded and tidied.

Uploads are only needed until they have been opened, because open pictures have files of their own (`PictureFolder`).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from anyio import to_thread

from demo.api.request_bodies import UPLOAD, limit_of, refuse, route_of
from demo.shared.own_folder import OWNER_FILE
from demo.shared.problems import is_disk_full

MAX_BYTES = 2 * 2**30
OPENED_AFTER_SECONDS = 120.0
"""A file that is older than this may be deleted when room is needed."""
KEPT_SECONDS = 2 * 3600.0
STALE_SECONDS = 600.0
"""A file that is being received and has not grown for so long was abandoned."""
TIDY_SECONDS = 60.0


class UploadFolder:
    """The files in a folder, at most `max_bytes` of them. Thread-safe."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self.path, self.max_bytes = path, max_bytes
        self._lock = threading.Lock()

    def make_room(self, size: int) -> bool:
        """Delete old files until `size` more bytes fit; False if they do not."""
        with self._lock:
            files = sorted(self._files())
            used = sum(bytes_ for _, bytes_, _ in files)
            newest = time.time() - OPENED_AFTER_SECONDS
            for changed_at, bytes_, path in files:
                if used + size <= self.max_bytes or changed_at > newest:
                    break
                path.unlink(missing_ok=True)
                used -= bytes_
            return used + size <= self.max_bytes

    def tidy(self, is_full: bool = False) -> None:
        """Delete old files, abandoned ones and empty folders. is_full: also all files that may have been opened."""
        now = time.time()
        with self._lock:
            for changed_at, _, path in self._files():
                is_partial = path.parent == self.path
                limit = STALE_SECONDS if is_partial else OPENED_AFTER_SECONDS if is_full else KEPT_SECONDS
                if now - changed_at > limit:
                    path.unlink(missing_ok=True)
            for folder, _, _ in os.walk(self.path, topdown=False):
                with suppress(OSError):  # it is not empty, or gone
                    # Gradio makes a folder a moment before it moves the file there.
                    if folder != str(self.path) and now - os.stat(folder).st_mtime > TIDY_SECONDS:
                        os.rmdir(folder)

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Of each file: when it was changed last, its size, its path."""
        for folder, _, names in os.walk(self.path):
            for name in names:
                path = Path(folder) / name
                with suppress(OSError):
                    status = path.stat()
                    if path != self.path / OWNER_FILE:
                        yield status.st_mtime, status.st_size, path


class GuardUploads:
    """ASGI middleware: refuse (507) uploads for which there is no room in `uploads` or on the disk."""

    def __init__(self, app: Any, uploads: UploadFolder) -> None:
        self._app, self._uploads = app, uploads
        self._receiving: set[str] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not route_of(scope).startswith(UPLOAD):
            await self._app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        size = int(declared) if declared.isdigit() else limit_of(UPLOAD)
        if not await to_thread.run_sync(self._uploads.make_room, size):
            await refuse(scope, receive, send, 507, "page.uploads_full")
            return
        has_answered = False

        async def answer(message: Any) -> None:
            nonlocal has_answered
            has_answered = True
            await send(message)

        before = _partial_files(self._uploads.path)
        try:
            await self._app(scope, receive, answer)
        except OSError as error:
            if has_answered or not is_disk_full(error):
                raise
            await to_thread.run_sync(self._clean_up, before)
            await refuse(scope, receive, send, 507, "page.disk_full")

    def _clean_up(self, before: set[Path]) -> None:
        """Delete what the failed upload has left, and what else is not needed."""
        for path in _partial_files(self._uploads.path) - before:
            # Another upload that began meanwhile has failed as well, or will: the disk is full.
            path.unlink(missing_ok=True)
        self._uploads.tidy(is_full=True)


def _partial_files(folder: Path) -> set[Path]:
    """The files that are being received: Gradio writes them directly into the folder, and moves them when complete."""
    return {path for path in folder.glob("tmp*") if path.is_file()}
