"""Uploads find a folder although the usual one belongs to somebody else, or one sentence says that there is none."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from demo import temporary_folder
from demo.temporary_folder import settle_temporary_folder
from osprey_core.errors import InputError


@pytest.fixture(autouse=True)
def usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder of these tests."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "tmp" / "gradio"


def test_the_usual_folder_is_taken_where_it_can_be_written(usual: Path) -> None:
    environment: dict[str, str] = {}
    assert settle_temporary_folder(environment) == usual
    assert environment == {"GRADIO_TEMP_DIR": str(usual)}


def test_a_folder_that_cannot_be_written_is_replaced(usual: Path, caplog: pytest.LogCaptureFixture) -> None:
    usual.write_text("a file in the way, as good as a folder of somebody else")
    environment: dict[str, str] = {}
    other = settle_temporary_folder(environment)
    assert other.parent == usual.parent
    assert other.name.startswith("osprey-")
    assert "cannot be written to" in caplog.text


def test_the_variable_is_honoured_where_possible(usual: Path, tmp_path: Path) -> None:
    assert settle_temporary_folder({"GRADIO_TEMP_DIR": str(tmp_path / "mine")}) == tmp_path / "mine"
    (tmp_path / "file").write_text("")
    assert settle_temporary_folder({"GRADIO_TEMP_DIR": str(tmp_path / "file" / "x")}) == usual


def test_without_any_folder_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary_folder, "_can_be_written", lambda folder: False)
    with pytest.raises(InputError, match="no folder for temporary files") as caught:
        settle_temporary_folder({})
    assert "\n" not in str(caught.value)
