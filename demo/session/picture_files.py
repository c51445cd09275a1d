"""The files of open pictures, on disk in place of in memory: a private folder of this process.

A file lives as long as a Session refers to its picture: with the last one it is deleted. The folder ends with the
process. How much it holds is bounded by `WorkspaceStore`, which counts the files of all workspaces.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import weakref
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from demo.session.session import Picture, Session
from demo.shared.own_folder import make_own_folder, remove_own_folder
from osprey_core.errors import InputError

log = logging.getLogger(__name__)


class PictureOnDisk(Picture):
    """A picture whose file is read whenever its bytes are needed. Equal pictures have the same bytes and name."""

    _path: Path
    _file_bytes: int

    def __init__(self, picture: Picture, path: Path) -> None:
        """path: the file, which holds `picture.data` and which this object deletes at its end."""
        values = {"name": picture.name, "width": picture.width, "height": picture.height, "digest": picture.digest}
        self.__dict__.update(values, _path=path, _file_bytes=picture.file_bytes)
        # A process that was forked from this one must not delete it.
        weakref.finalize(self, _remove, path, os.getpid()).atexit = False

    @property
    def data(self) -> bytes:
        """The bytes of the file, read anew. Raises InputError if somebody has deleted it."""
        try:
            return self._path.read_bytes()
        except OSError:
            log.exception("A picture's file cannot be read.")
            raise InputError("page.picture_gone") from None

    @property
    def file_bytes(self) -> int:
        return self._file_bytes

    @property
    def memory_bytes(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Picture) and (self.digest, self.name) == (other.digest, other.name)

    def __hash__(self) -> int:
        return hash((self.digest, self.name))

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: with the bytes, because the file may have gone by then."""
        return Picture, (self.data, self.name, self.width, self.height)


class PictureFolder:
    """A folder that only this user may read, made with the first picture. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = None

    def moved(self, session: Session) -> Session:
        """The session with its picture's file on disk. Raises OSError if it cannot be written, as on a full disk."""
        picture = session.picture
        if picture is None or isinstance(picture, PictureOnDisk):
            return session
        handle, name = tempfile.mkstemp(dir=self._made_folder())
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(picture.data)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return replace(session, picture=PictureOnDisk(picture, Path(name)))

    def close(self) -> None:
        """Delete the folder with all files; what refers to them is of no use any more."""
        with self._lock:
            if self._folder is not None:
                remove_own_folder(self._folder)
                self._folder = None

    def _made_folder(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = make_own_folder("pictures")
                weakref.finalize(self, _remove_folder, self._folder, os.getpid())
            return self._folder


def _remove(path: Path, process: int) -> None:
    if os.getpid() == process:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _remove_folder(path: Path, process: int) -> None:
    if os.getpid() == process:  # not at the end of a process that was forked from this one
        remove_own_folder(path)
