"""Download a file to a path: resumed where it stopped, retried, checked against its sum, told in bytes.

What has arrived is kept in a partial file beside the target, so that the next try goes on from there, in this process
or in a later one. Knows HTTP and files, not models; `hub` gives addresses and sums.
"""

from __future__ import annotations

import contextvars
import hashlib
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)

TRIES = 6
"""Tries in a row without a new byte before a download is given up."""
LONGEST_PAUSE_SECONDS = 30.0
TRANSIENT_STATUS = (408, 425, 429, 500, 502, 503, 504)
"""HTTP statuses after which trying again later helps."""

_CHUNK_BYTES = 2**20
_LFS_SUM = re.compile(r"[0-9a-f]{64}")
_GIT_SUM = re.compile(r"[0-9a-f]{40}")

pause = time.sleep
"""How the pause between two tries is made; tests replace it."""


@dataclass(frozen=True)
class DownloadProgress:
    """How far the files of one model have arrived, in bytes."""

    done: int
    total: int

    @property
    def percent(self) -> int:
        return 100 if self.total <= 0 else min(100, 100 * self.done // self.total)


_listener: contextvars.ContextVar[Callable[[DownloadProgress], None] | None] = contextvars.ContextVar(
    "listener", default=None
)


@contextmanager
def telling(listener: Callable[[DownloadProgress], None]) -> Iterator[None]:
    """Have the progress of all downloads of this thread within the block told to `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(progress: DownloadProgress) -> None:
    """Tell the listener of this thread, if there is one."""
    listener = _listener.get()
    if listener is not None:
        listener(progress)


class HttpStatusError(Exception):
    """An answer with a status that is no success."""

    def __init__(self, status: int, retry_after: str | None = None) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status
        self.retry_after = retry_after


class WrongSumError(Exception):
    """A file arrived whole, but its sum is another than the server told."""


def download(
    session: Any,
    address: str,
    target: Path,
    *,
    headers: Mapping[str, str],
    size: int | None,
    etag: str,
    arrived: Callable[[int], None],
) -> None:
    """Fetch a file to `target`, which exists only once it is whole and right.

    Args:
        session: the HTTP client, of the kind that the hub library uses.
        size: bytes of the file, if known.
        etag: its sum, see `sum_of`; other values are not checked.
        arrived: called with the number of bytes that are there, also those of earlier tries.

    Raises:
        HttpStatusError: a status that does not get better, or one that did not within `TRIES` tries.
        WrongSumError: the file has another sum; what arrived is removed.
        OSError: it cannot be written. The client's own errors, if connecting fails in every try.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".osprey-partial")
    failures = 0
    while True:
        before = _size_of(partial)
        try:
            if size is None or before < size:
                _fetch_rest(session, address, partial, headers, arrived)
            break
        except Exception as error:  # the client's errors have no base class that both of its versions share
            status = error.status if isinstance(error, HttpStatusError) else None
            if isinstance(error, OSError) or (status is not None and status not in TRANSIENT_STATUS):
                raise
            failures = 1 if _size_of(partial) > before else failures + 1
            if failures >= TRIES:
                raise
            seconds = _pause_seconds(failures, error)
            log.warning("The download stopped (%s); it goes on in %.0f s.", _in_words(error), seconds)
            pause(seconds)
    arrived(_size_of(partial))
    if (size is not None and _size_of(partial) != size) or not is_right(partial, etag):
        partial.unlink(missing_ok=True)
        raise WrongSumError(target.name)
    partial.replace(target)


def retried(call: Callable[[], T], status_of: Callable[[BaseException], int | None], tries: int = TRIES) -> T:
    """The result of a call, tried again after passing failures as `download` does.

    status_of: the HTTP status of an error, 0 for a failed connection, None for what does not get better.
    """
    for failures in range(1, tries):
        try:
            return call()
        except Exception as error:
            status = status_of(error)
            if status is None or status not in TRANSIENT_STATUS:
                raise
            seconds = _pause_seconds(failures, error)
            log.warning("The server answers with status %s; the next try is in %.0f s.", status, seconds)
            pause(seconds)
    return call()


def is_right(path: Path, etag: str) -> bool:
    """Whether a file has the sum that its ETag states; True for an ETag that is no known sum."""
    if _LFS_SUM.fullmatch(etag):
        return sum_of(path, hashlib.sha256()) == etag
    if _GIT_SUM.fullmatch(etag):
        header = f"blob {path.stat().st_size}\0".encode()  # as git makes its sums
        return sum_of(path, hashlib.sha1(header, usedforsecurity=False)) == etag
    return True


def sum_of(path: Path, digest: Any) -> str:
    """The hexadecimal digest of a file's content, added to a begun hash of `hashlib`."""
    with path.open("rb") as file:
        while block := file.read(8 * _CHUNK_BYTES):
            digest.update(block)
    text: str = digest.hexdigest()
    return text


def _fetch_rest(
    session: Any, address: str, partial: Path, headers: Mapping[str, str], arrived: Callable[[int], None]
) -> None:
    """Append to the partial file what it lacks, or begin it anew where the server cannot go on within a file."""
    start = _size_of(partial)
    wanted = {**headers, "Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with session.stream("GET", address, headers=wanted, follow_redirects=True, timeout=30) as answer:
        if start and answer.status_code == 416:  # no such range: what is there is not of this file
            partial.unlink(missing_ok=True)
            raise HttpStatusError(503)
        if answer.status_code not in (200, 206):
            raise HttpStatusError(answer.status_code, answer.headers.get("Retry-After"))
        done = start if answer.status_code == 206 else 0
        with partial.open("ab" if done else "wb") as file:
            for chunk in answer.iter_bytes():
                file.write(chunk)
                file.flush()  # a killed process keeps what has arrived
                done += len(chunk)
                arrived(done)


def _pause_seconds(failures: int, error: Exception) -> float:
    """1, 2, 4 … seconds, or what the server asks for, at most LONGEST_PAUSE_SECONDS."""
    asked = getattr(error, "retry_after", None) or _retry_after(error)
    if asked is not None and re.fullmatch(r"\d{1,6}", asked.strip()):
        return min(float(asked), LONGEST_PAUSE_SECONDS)
    return min(2.0 ** (failures - 1), LONGEST_PAUSE_SECONDS)


def _retry_after(error: Exception) -> str | None:
    headers = getattr(getattr(error, "response", None), "headers", None)
    return None if headers is None else headers.get("Retry-After")


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, HttpStatusError) else type(error).__name__


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
