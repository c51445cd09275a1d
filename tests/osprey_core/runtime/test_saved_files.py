"""Odd saves load or are named; what cannot be written is one sentence, and written files have ordinary permissions."""

from __future__ import annotations

import json
import logging
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from osprey_core import Osprey
from osprey_core.cli.convert import main as convert
from osprey_core.config import OspreyConfig
from osprey_core.errors import CheckpointError, ModelNotFoundError
from osprey_core.runtime import checkpoint, hub, loading
from tests.osprey_core.runtime.test_checkpoint import published_names
from tests.tiny import tiny_config, tiny_osprey

ROOT = Path(__file__).parents[3]
CPU = torch.device("cpu")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    tiny_osprey().save(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("wrapper", ["module.", "base_model.model.", "_orig_mod.", "module._orig_mod."])
@pytest.mark.parametrize("layout", ["own", "published"])
def test_a_model_that_was_saved_wrapped_loads(
    saved: Path, wrapper: str, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = load_file(saved / "model.safetensors")
    ours = dict(tensors)
    if layout == "published":
        monkeypatch.setattr(OspreyConfig, "from_published", classmethod(lambda cls, values: tiny_config()))
        (saved / "config.json").write_text(json.dumps({"model_type": "osprey"}))
        tensors = published_names(tensors)
    save_file({wrapper + name: tensor for name, tensor in tensors.items()}, saved / "model.safetensors")
    files = checkpoint.inspect_folder(saved)
    assert not checkpoint.needs_vision_weights(files)
    for name, parameter in checkpoint.load_network(files, CPU, torch.float32).named_parameters():
        assert torch.equal(parameter, ours[name]), name


def test_an_adapter_is_no_model(saved: Path, tmp_path: Path) -> None:
    save_file({"base_model.model.model.layers.0.q_proj.lora_A.weight": torch.zeros(2, 2)}, saved / "model.safetensors")
    with pytest.raises(CheckpointError, match="holds an adapter"):
        Osprey.from_pretrained(str(saved), device="cpu")
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"holds an adapter.*--adapter"):
        Osprey.from_pretrained(str(tmp_path / "adapter"), device="cpu")


def test_a_missing_vision_tower_is_named_with_where_to_put_it(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(repo_id: str, filename: str, revision: str | None = None) -> Path:
        raise ModelNotFoundError("hub.unreachable", name=f"{repo_id}/{filename}", embedded="'nano'")

    monkeypatch.setattr(hub, "fetch_file", unreachable)
    monkeypatch.setattr(OspreyConfig, "from_published", classmethod(lambda cls, values: tiny_config()))
    (saved / "config.json").write_text(json.dumps({"model_type": "osprey"}))
    tensors = published_names(load_file(saved / "model.safetensors"))
    save_file({n: t for n, t in tensors.items() if "vision_tower" not in n}, saved / "model.safetensors")
    with pytest.raises(ModelNotFoundError) as caught:
        loading.load_parts(
            str(saved), device="cpu", dtype="float32", revision=None, quantize="none", device_map="none", compiled=False
        )
    told = str(caught.value)
    assert f"The weights in {saved} have no vision tower" in told
    assert f"Put {hub.CLIP_FILE} of {hub.CLIP_REPO} into that folder" in told


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_written_files_follow_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        tiny_osprey().save(tmp_path / "model")
    finally:
        os.umask(before)
    for file in (tmp_path / "model").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~umask, file.name


@pytest.mark.parametrize("destination", ["", " ", "{}/file", "{}/file/inner", "/proc/nowhere"])
def test_where_nothing_can_be_written_is_one_sentence(
    saved: Path, tmp_path: Path, destination: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    caplog.set_level(logging.INFO)
    assert convert([str(saved), destination.format(tmp_path)]) == 2
    (told,) = caplog.messages
    assert "\n" not in told
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_a_full_disk_is_one_sentence(saved: Path, tmp_path: Path) -> None:
    """As a process, in which no file may become larger than 20 KB, which is what a full disk looks like."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    command = [sys.executable, "-m", "osprey_core.convert", str(saved), str(tmp_path / "out")]
    full = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=limit)
    assert full.returncode == 2
    assert full.stderr.count("\n") == 1
    assert "model.safetensors” cannot be written (" in full.stderr
    assert list((tmp_path / "out").iterdir()) == []
