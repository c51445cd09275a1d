"""Files of open pictures: on disk, private, equal byte for byte, and gone with the last who has the picture open."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import stat
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demo.session import record
from demo.session.picture_cache import PictureCache, bytes_of
from demo.session.picture_files import PictureFolder
from demo.session.pictures import open_picture
from demo.session.session import Picture, Session
from demo.session.workspace import Workspace
from demo.session.workspace_store import WorkspaceStore
from demo.shared.problems import sentence_of
from osprey_core.errors import InputError
from osprey_core.io.pictures import read_picture
from tests.demo.sessions import png


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def files_in(parent: Path) -> list[Path]:
    return [path for path in parent.glob("osprey-pictures-*/*") if path.name != "process"]


def picture_of(session: Session) -> Picture:
    assert session.picture is not None
    return session.picture


def test_a_moved_picture_is_the_same_picture_and_takes_no_memory(parent: Path) -> None:
    files, data = PictureFolder(), png()
    before = picture_of(open_picture(data, "a.png"))
    after = picture_of(files.moved(Session(picture=before)))
    (path,) = files_in(parent)
    assert path.read_bytes() == after.data == data
    assert [stat.S_IMODE(os.stat(one).st_mode) for one in (path, path.parent)] == [0o600, 0o700]
    told = [(p.name, p.size_hw, p.digest, p.file_bytes) for p in (before, after)]
    assert told[0] == told[1]
    assert (before.memory_bytes, after.memory_bytes) == (len(data), 0)
    assert not any(isinstance(value, bytes) for value in vars(after).values())
    moved = Session(picture=after)
    assert files.moved(moved) is moved
    assert record.text_of(moved) == record.text_of(Session(picture=before))
    assert record.zip_of(moved, "m", "s")[1] == "a-osprey.zip"
    other_process = pickle.loads(pickle.dumps(after))
    assert (type(other_process), other_process.data) == (Picture, data)


def test_the_file_ends_with_the_last_who_has_it_open_and_the_cache_does_not_keep_it(parent: Path) -> None:
    files, cache, store = PictureFolder(), PictureCache(), WorkspaceStore(capacity=1)
    first, copy = Workspace(), Workspace()
    first.open(files.moved(open_picture(png(), "a.png")))
    first.contents()
    opened = cache.get(picture_of(first.session))
    assert np.array_equal(opened.image(), np.asarray(read_picture(png())))
    del opened
    copy.copy_from(first)
    store.keep(first)
    store.keep(copy)  # `first` is removed and emptied
    gc.collect()
    assert len(files_in(parent)) == 1
    assert cache.get(picture_of(copy.session)).image().shape == (270, 360, 3)
    store.keep(Workspace())
    gc.collect()
    assert (files_in(parent), len(cache)) == ([], 1)


def test_workspaces_are_bounded_by_their_files_sizes(parent: Path) -> None:
    files, data = PictureFolder(), png()
    store = WorkspaceStore(max_bytes=2 * len(data))
    people = [Workspace() for _ in range(4)]
    for place, person in enumerate(people):
        person.open(files.moved(open_picture(data, f"{place}.png")))
        store.keep(person)
        gc.collect()
    assert (len(store), len(files_in(parent))) == (2, 2)
    assert bytes_of([vars(picture_of(person.session)) for person in people[2:]]) == 0


def test_a_full_disk_is_a_sentence_and_leaves_nothing(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, session = PictureFolder(), open_picture(png(), "a.png")

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as context:
        context.setattr("demo.session.picture_files.os.fdopen", full)
        with pytest.raises(OSError, match="full") as raised:
            files.moved(session)
    assert "disk" in (sentence_of(raised.value) or "")
    assert files_in(parent) == []
    assert picture_of(files.moved(session)).data == picture_of(session).data  # there is room again


def test_a_file_that_somebody_has_deleted_is_a_sentence(parent: Path) -> None:
    session = PictureFolder().moved(open_picture(png(), "a.png"))
    for path in files_in(parent):
        path.unlink()
    with pytest.raises(InputError, match="not kept here any more"):
        PictureCache().get(picture_of(session)).image()


def test_the_folder_ends_with_the_program_and_killed_ones_go_too(parent: Path) -> None:
    killed = Path(tempfile.mkdtemp(prefix="osprey-pictures-"))
    (killed / "process").write_text("999999999")
    files = PictureFolder()
    session = files.moved(open_picture(png(), "a.png"))
    assert not killed.exists()
    assert replace(session).picture == session.picture
    files.close()
    assert list(parent.iterdir()) == []
