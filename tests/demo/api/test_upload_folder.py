"""The folder of uploads: bounded, tidied, removed; a full disk is a sentence and recovers."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from demo.api import upload_folder
from demo.api.upload_folder import GuardUploads, UploadFolder
from demo.shared.own_folder import own_folder, remove_abandoned
from tests.demo.api.threads import in_own_thread

ROOT = Path(__file__).resolve().parents[3]


def stored(folder: Path, name: str, size: int, age: float) -> Path:
    """A file as Gradio stores an upload, changed so many seconds ago."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_room_is_made_by_deleting_the_oldest_files_that_have_been_opened(tmp_path: Path) -> None:
    uploads = UploadFolder(tmp_path, max_bytes=100)
    old, older = stored(tmp_path, "a/old.png", 40, 300), stored(tmp_path, "b/older.png", 40, 900)
    new = stored(tmp_path, "c/new.png", 20, 5)
    assert uploads.make_room(0)
    assert old.exists()
    assert uploads.make_room(30)
    assert [path.exists() for path in (older, old, new)] == [False, True, True]
    assert not uploads.make_room(90)  # the new file may still be needed
    assert [path.exists() for path in (old, new)] == [False, True]


def test_what_is_old_abandoned_or_empty_goes(tmp_path: Path) -> None:
    uploads = UploadFolder(tmp_path)
    old, new = stored(tmp_path, "a/old.png", 1, 3 * 3600), stored(tmp_path, "b/new.png", 1, 60)
    cut, growing = stored(tmp_path, "tmp1", 1, 3600), stored(tmp_path, "tmp2", 1, 5)
    (tmp_path / "empty").mkdir()
    (tmp_path / "just made").mkdir()
    os.utime(tmp_path / "empty", (time.time() - 300,) * 2)
    uploads.tidy()
    assert [path.exists() for path in (old, new, cut, growing)] == [False, True, False, True]
    assert not (tmp_path / "empty").exists()
    assert (tmp_path / "just made").exists()


def test_the_folder_ends_with_the_program_and_killed_ones_go_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    killed, other = tmp_path / "osprey-uploads-killed", tmp_path / "something-else"
    for folder in (killed, other):
        folder.mkdir()
        (folder / "process").write_text("999999999")
    with own_folder() as folder:
        (folder / "x").mkdir()
        (folder / "x" / "a.png").write_bytes(b"1")
        remove_abandoned(tmp_path)
        assert (folder / "x" / "a.png").exists()
        assert not killed.exists()
    assert list(tmp_path.iterdir()) == [other]


def test_a_folder_is_in_use_for_as_long_as_its_process_runs_whatever_its_number_means_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    makes_one = "from demo.shared.own_folder import *; print(make_own_folder('pictures'), flush=True); input()"
    variables = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", makes_one]
    with subprocess.Popen(
        command, cwd=ROOT, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        folder = Path(other.stdout.readline().strip())
        owner = folder / "process"
        assert owner.read_text() == str(other.pid)
        owner.write_text("999999999")  # as from another container, where numbers mean other processes
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        with own_folder() as own:
            owner.write_text(str(os.getpid()))
            assert folder.is_dir()
            other.kill()
            other.wait()
            remove_abandoned(tmp_path)
            assert list(tmp_path.iterdir()) == [own]


def posted(app: Any, uploads: UploadFolder, size: int = 10) -> tuple[int, Any]:
    replies: list[dict[str, Any]] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        replies.append(message)

    headers = [(b"content-length", str(size).encode())]
    scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": headers, "query_string": b""}
    in_own_thread(lambda: asyncio.run(GuardUploads(app, uploads)(scope, receive, send)))
    return replies[0]["status"], json.loads(replies[1]["body"])


async def saved(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"[]"})


def test_an_upload_beyond_the_quota_is_a_sentence(tmp_path: Path) -> None:
    uploads = UploadFolder(tmp_path, max_bytes=100)
    assert posted(saved, uploads, 100) == (200, [])
    status, reply = posted(saved, uploads, 101)
    assert status == 507
    assert reply["detail"] == "Too many files are being uploaded at the moment; try again in a minute."


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_a_sentence_and_the_next_upload_works(tmp_path: Path, number: int) -> None:
    uploads = UploadFolder(tmp_path)
    opened = stored(tmp_path, "a/opened.png", 5, upload_folder.OPENED_AFTER_SECONDS + 10)

    async def fails(scope: Any, receive: Any, send: Any) -> None:
        (tmp_path / "tmphalf").write_bytes(b"half")
        raise OSError(number, "no space")

    status, reply = posted(fails, uploads)
    assert status == 507
    assert reply["detail"].startswith("The disk of this computer is full")
    assert not (tmp_path / "tmphalf").exists()
    assert not opened.exists()
    assert posted(saved, uploads) == (200, [])


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    async def fails(scope: Any, receive: Any, send: Any) -> None:
        raise OSError(errno.EACCES, "not allowed")

    with pytest.raises(OSError, match="not allowed"):
        posted(fails, UploadFolder(tmp_path))
