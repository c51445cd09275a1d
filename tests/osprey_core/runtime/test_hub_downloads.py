"""Downloads from a stand-in Hub: resumed, retried, checked, told in bytes; each fault has its own sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from osprey_core.errors import ModelNotFoundError
from osprey_core.runtime import download, hub
from osprey_core.runtime.download import DownloadProgress, telling
from tests.osprey_core.runtime.stand_in_hub import REPO, StandInHub

ROOT = Path(__file__).parents[3]
WEIGHTS = os.urandom(3 * 2**20 + 17)
FILES = {"config.json": b'{"a": 1}', "model.safetensors": WEIGHTS, "README.md": b"not wanted", "x/y.bin": b"nested"}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, which are not made."""
    seconds: list[float] = []
    monkeypatch.setattr(download, "pause", seconds.append)
    return seconds


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> Iterator[StandInHub]:
    with StandInHub(dict(FILES)) as stand_in:
        monkeypatch.setattr(constants, "ENDPOINT", stand_in.address)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", stand_in.address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        yield stand_in


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_model_is_downloaded_once_with_its_bytes_told(served: StandInHub, pauses: list[float]) -> None:
    told: list[DownloadProgress] = []
    with telling(told.append):
        folder = hub.find_checkpoint(REPO)
    assert contents(folder) == {name: FILES[name] for name in ("config.json", "model.safetensors")}
    total = len(WEIGHTS) + len(FILES["config.json"])
    assert (told[0], told[-1]) == (DownloadProgress(0, total), DownloadProgress(total, total))
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    assert told[-1].percent == 100
    served.ranges.clear()
    assert hub.find_checkpoint(REPO) == folder
    assert served.ranges == [], "nothing is fetched again"
    served.always = 503
    assert hub.find_checkpoint(REPO) == folder, "the cache serves while the Hub fails"
    assert pauses == [], "and at once"


def test_a_file_that_changed_on_the_hub_is_fetched_anew_and_checked(served: StandInHub) -> None:
    assert hub.fetch_file(REPO, "model.safetensors").read_bytes() == WEIGHTS
    served.files["model.safetensors"] = changed = WEIGHTS[::-1]
    served.cut_after = [700_000]
    served.commit = "d" * 40
    assert hub.fetch_file(REPO, "model.safetensors").read_bytes() == changed
    assert served.ranges[-1][1] is not None, "by this program's own means, which go on where they stopped"


def test_a_cut_download_goes_on_where_it_stopped(served: StandInHub, pauses: list[float]) -> None:
    served.files = {"model.safetensors": WEIGHTS}
    served.cut_after = [1_000_000, 500_000, 0]
    path = hub.fetch_file(REPO, "model.safetensors")
    assert path.read_bytes() == WEIGHTS
    starts = [wanted for _, wanted in served.ranges]
    assert starts[0] is None
    assert all(start is not None and start.startswith("bytes=") for start in starts[1:])
    assert len(pauses) == 3
    assert not list(path.resolve().parent.glob("*osprey*")), "nothing is left over"


def test_passing_faults_are_retried_with_growing_pauses(served: StandInHub, pauses: list[float]) -> None:
    served.failing = [(503, {}), (500, {}), (429, {"Retry-After": "7"}), (502, {})]
    assert hub.fetch_file(REPO, "model.safetensors").read_bytes() == WEIGHTS
    assert pauses == [1, 2, 7, 8]


@pytest.mark.parametrize(
    ("status", "error_code", "sentence"),
    [
        (401, None, "does not accept the login"),
        (401, "RepoNotFound", "has no model"),
        (403, None, "does not let this login read"),
        (403, "GatedRepo", "licence agreement"),
        (404, "RepoNotFound", "has no model"),
        (404, "RevisionNotFound", "has no revision"),
        (404, "EntryNotFound", "has no file"),
        (429, None, "no more requests"),
        (500, None, "a fault of its own (500)"),
        (503, None, "a fault of its own (503)"),
    ],
)
def test_every_status_has_its_own_sentence(
    served: StandInHub, status: int, error_code: str | None, sentence: str
) -> None:
    served.always, served.error_code = status, error_code
    for find in (lambda: hub.fetch_file(REPO, "model.safetensors"), lambda: hub.find_checkpoint(REPO)):
        with pytest.raises(ModelNotFoundError) as caught:
            find()
        assert sentence in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_hub_that_is_not_there_is_told(served: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/{revision}/{filename}")
    with pytest.raises(ModelNotFoundError, match="cannot be reached"):
        hub.find_checkpoint(REPO)


def test_a_file_with_a_wrong_sum_is_removed_and_told(served: StandInHub, tmp_path: Path) -> None:
    served.damaged = True
    with pytest.raises(ModelNotFoundError, match="arrived damaged"):
        hub.fetch_file(REPO, "model.safetensors")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.stat().st_size > 1000]
    served.damaged = False
    assert hub.fetch_file(REPO, "model.safetensors").read_bytes() == WEIGHTS


def test_verifying_finds_what_was_damaged_later(served: StandInHub) -> None:
    folder = hub.find_checkpoint(REPO)
    weights = folder / "model.safetensors"
    assert hub.find_checkpoint(REPO, verify=True) == folder
    content = weights.resolve()
    content.chmod(0o644)
    content.write_bytes(WEIGHTS[:-1] + b"x" if WEIGHTS[-1:] != b"x" else WEIGHTS[:-1] + b"y")
    assert hub.find_checkpoint(REPO) == folder, "it costs time, so that it is done only when asked for"
    with pytest.raises(ModelNotFoundError, match=r"model\.safetensors arrived damaged"):
        hub.find_checkpoint(REPO, verify=True)
    assert not weights.exists()
    assert (hub.find_checkpoint(REPO, verify=True) / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.slow
def test_a_killed_process_leaves_what_arrived_to_the_next(tmp_path: Path) -> None:
    code = f"from osprey_core.runtime import hub; print(hub.fetch_file({REPO!r}, 'model.safetensors'))"
    with StandInHub({"model.safetensors": WEIGHTS}, seconds_per_chunk=0.2) as served:
        environment = {**os.environ, "HF_ENDPOINT": served.address, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
        words = [sys.executable, "-c", code]
        first = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        partial: list[Path] = []
        for _ in range(600):
            partial = list(tmp_path.rglob("*.osprey-partial"))
            if partial and partial[0].stat().st_size > 300_000:
                break
            time.sleep(0.1)
        first.send_signal(signal.SIGKILL)
        first.wait()
        arrived = partial[0].stat().st_size
        assert 0 < arrived < len(WEIGHTS)
        served.seconds_per_chunk = 0
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert Path(done.stdout.strip()).read_bytes() == WEIGHTS
        assert served.ranges[-1] == ("model.safetensors", f"bytes={arrived}-")
