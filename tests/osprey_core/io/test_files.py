"""Files are read within bounds and written whole; what goes wrong is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from osprey_core.errors import InputError
from osprey_core.io.files import parse_json, plain_json, read_file, write_file


def test_a_file_that_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_file(path, b"one")
    write_file(path, b"two")
    assert read_file(path, 3) == b"two"
    assert [file.name for file in tmp_path.iterdir()] == ["a.bin"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    write_file(path, b"old")

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"a\.bin” cannot be written \(No space left on device\)"):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"


def test_what_cannot_be_read_is_explained(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(2**20 + 1))
    for path, sentence in (
        (tmp_path / "gone", "There is no file"),
        (tmp_path, "cannot be read"),
        (tmp_path / "large", "“large” is larger than 1 MB"),
        (Path("a\0b"), "cannot be read"),
    ):
        with pytest.raises(InputError, match=sentence):
            read_file(path, 2**20)


@pytest.mark.parametrize("text", ["", "{", b"\xff\xfe\x00", "[" * 100_000, "1" * 5000, '{"a": 1,}'])
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(InputError, match="no JSON that can be read"):
        parse_json(text)


def test_json_of_too_many_parts_is_refused_unparsed() -> None:
    assert parse_json("[[],{}]", max_parts=3) == [[], {}]
    with pytest.raises(InputError, match="too many parts"):
        parse_json("[[],{}]", max_parts=2)


def test_written_json_reads_back_and_is_always_utf_8() -> None:
    values = {"a": "描述 🙂", "b": [1, 2.5, None]}
    assert parse_json(plain_json(values)) == values
    assert "描述" in plain_json(values)
    assert parse_json(plain_json({"a": "x \ud83d"}).encode()) == {"a": "x ?"}
