"""Uploads find a folder although the named one cannot be written to, or one sentence says that there is none."""

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
    return tmp_path / "tmp"


def test_the_variable_is_honoured_where_possible(usual: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    environment = {"GRADIO_TEMP_DIR": str(tmp_path / "mine")}
    settle_temporary_folder(environment)
    assert environment == {"GRADIO_TEMP_DIR": str(tmp_path / "mine")}
    assert tempfile.gettempdir() == str(tmp_path / "mine")
    assert caplog.text == ""
    (tmp_path / "file").write_text("a file in the way, as good as a folder of somebody else")
    for named in (tmp_path / "file", tmp_path / "file" / "inner", ""):
        environment = {"GRADIO_TEMP_DIR": str(named)}
        settle_temporary_folder(environment)
        assert environment == {}
        assert "cannot be written to" in caplog.text


def test_where_the_system_has_no_folder_one_at_home_is_taken(
    usual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual.rmdir()
    usual.write_text("in the way")
    settle_temporary_folder({})
    assert tempfile.gettempdir() == str(tmp_path / "home" / ".cache" / "osprey" / "uploads")


def test_without_any_folder_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary_folder, "_can_be_written", lambda folder: False)
    with pytest.raises(InputError, match="no folder for temporary files") as caught:
        settle_temporary_folder({})
    assert "\n" not in str(caught.value)
