"""Checkpoints: both layouts load, what is wrong is named, what is saved reads back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from osprey_core import Osprey, convert
from osprey_core.config import OspreyConfig
from osprey_core.errors import CheckpointError, ModelNotFoundError
from osprey_core.model import build_network
from osprey_core.runtime import checkpoint, hub
from tests.tiny import tiny_config, tiny_osprey

CPU = torch.device("cpu")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    tiny_osprey().save(tmp_path / "model")
    return tmp_path / "model"


def published_names(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Our tensors under the published names."""
    renamed = {}
    for name, tensor in tensors.items():
        if name.startswith("vision_tower."):
            name = "model.vision_tower.vision_tower.visual." + name.removeprefix("vision_tower.")
        elif name.startswith("mm_projector."):
            name = "model." + name
        elif name.startswith("llm."):
            name = name.removeprefix("llm.")
        renamed[name] = tensor
    return renamed


def edit_weights(folder: Path, change: dict[str, torch.Tensor | None]) -> None:
    tensors = load_file(folder / "model.safetensors")
    for name, tensor in change.items():
        if tensor is None:
            del tensors[name]
        else:
            tensors[name] = tensor
    save_file(tensors, folder / "model.safetensors")


def test_a_saved_model_reads_back_to_the_same_answers(saved: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    mask = np.zeros((40, 60), dtype=bool)
    mask[10:20, 10:30] = True
    again = Osprey.from_pretrained(str(saved), device="cpu")
    assert again.network.config == tiny_config()
    assert again.open(image).ask("what is <region1>", [mask]) == tiny_osprey().open(image).ask(
        "what is <region1>", [mask]
    )


@pytest.mark.skipif(not Path("/proc/self/maps").is_file(), reason="only Linux tells what is mapped")
@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_weights_that_need_no_change_are_mapped_and_not_copied(saved: Path, kind: str) -> None:
    """Two processes share them, and what is not used is not read."""
    path = saved / "model.safetensors"
    if kind == "bin":
        torch.save(load_file(path), saved / "pytorch_model.bin")
        path.unlink()
        path = saved / "pytorch_model.bin"
    network = checkpoint.load_network(checkpoint.inspect_folder(saved), CPU, torch.float32)
    lines = (line.split(maxsplit=5) for line in Path("/proc/self/maps").read_text().splitlines())
    spans = [line[0].split("-") for line in lines if line[-1].strip() == str(path)]
    mapped = [(int(start, 16), int(end, 16)) for start, end in spans]
    places = {name: p.data_ptr() for name, p in network.named_parameters()}
    copied = [name for name, at in places.items() if not any(start <= at < end for start, end in mapped)]
    assert copied == []


def test_saving_in_half_precision_halves_the_file(saved: Path, tmp_path: Path) -> None:
    Osprey.from_pretrained(str(saved), device="cpu").save(tmp_path / "half", dtype="float16")
    stored = load_file(tmp_path / "half/model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}


def test_loading_gives_the_asked_precision_and_no_gradients(saved: Path) -> None:
    model = Osprey.from_pretrained(str(saved), device="cpu", dtype="bfloat16")
    assert {p.dtype for p in model.network.parameters()} == {torch.bfloat16}
    assert not any(p.requires_grad for p in model.network.parameters())
    assert model.dtype == "bfloat16"
    assert model.device == "cpu"


@pytest.mark.parametrize("kind", ["bin", "legacy-bin", "sharded-bin", "safetensors", "sharded-safetensors"])
def test_every_published_file_kind_loads_to_the_same_weights(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config()
    monkeypatch.setattr(OspreyConfig, "from_published", classmethod(lambda cls, values: config))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "osprey"}))
    ours = {name: p.detach() for name, p in tiny_osprey().network.named_parameters()}
    tensors = published_names(ours)
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.zeros(8)
    tensors["model.vision_tower.vision_tower.visual.trunk.head.norm.weight"] = torch.zeros(320)
    tensors["model.vision_tower.vision_tower.visual.head.mlp.fc1.weight"] = torch.zeros(2, 2)
    names = list(tensors)
    shards = [names[::2], names[1::2]] if kind.startswith("sharded") else [names]
    suffix = "safetensors" if kind.endswith("safetensors") else "bin"
    stem = "model" if suffix == "safetensors" else "pytorch_model"
    weight_map: dict[str, str] = {}
    for number, shard in enumerate(shards):
        file = f"{stem}-{number}.{suffix}" if len(shards) > 1 else f"{stem}.{suffix}"
        part = {name: tensors[name].contiguous() for name in shard}
        if suffix == "safetensors":
            save_file(part, tmp_path / file)
        else:
            torch.save(part, tmp_path / file, _use_new_zipfile_serialization=kind != "legacy-bin")
        weight_map |= dict.fromkeys(shard, file)
    if len(shards) > 1:
        (tmp_path / f"{stem}.{suffix}.index.json").write_text(json.dumps({"weight_map": weight_map}))
    files = checkpoint.inspect_folder(tmp_path)
    assert files.layout == "published"
    loaded = checkpoint.load_network(files, CPU, torch.float32)
    for name, parameter in loaded.named_parameters():
        assert torch.equal(parameter, ours[name]), name


def test_vision_weights_come_from_clip_where_the_checkpoint_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config()
    monkeypatch.setattr(OspreyConfig, "from_published", classmethod(lambda cls, values: config))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "osprey"}))
    ours = {name: p.detach() for name, p in tiny_osprey().network.named_parameters()}
    tower = {n: t for n, t in ours.items() if n.startswith("vision_tower.")}
    torch.save(published_names({n: t for n, t in ours.items() if n not in tower}), tmp_path / "pytorch_model.bin")
    clip = {n.replace("vision_tower.", "visual."): t for n, t in tower.items()}
    clip |= {"logit_scale": torch.zeros(()), "visual.head.proj.weight": torch.zeros(3, 3), "text.x": torch.zeros(2)}
    torch.save(clip, tmp_path / "open_clip_pytorch_model.bin")
    files = checkpoint.inspect_folder(tmp_path)
    assert checkpoint.needs_vision_weights(files)
    loaded = checkpoint.load_network(files, CPU, torch.float32, tmp_path / "open_clip_pytorch_model.bin")
    for name, parameter in loaded.named_parameters():
        assert torch.equal(parameter, ours[name]), name
    with pytest.raises(CheckpointError, match=f"{len(tower)} missing"):
        checkpoint.load_network(files, CPU, torch.float32)


def test_missing_unexpected_and_misshaped_tensors_are_all_named_at_once(saved: Path) -> None:
    edit_weights(
        saved,
        {
            "llm.lm_head.weight": None,
            "mask_extractor.feat_linear.bias": torch.zeros(7),
            "llm.model.layers.9.extra.weight": torch.zeros(2),
        },
    )
    with pytest.raises(CheckpointError) as caught:
        Osprey.from_pretrained(str(saved), device="cpu")
    message = str(caught.value)
    assert "1 missing: llm.lm_head.weight" in message
    assert "1 unexpected: llm.model.layers.9.extra.weight" in message
    assert "mask_extractor.feat_linear.bias is (7,), not (32,)" in message


def damage_config(folder: Path) -> None:
    (folder / "config.json").write_text("{not json")


def foreign_config(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))


def truncate_weights(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def pickled_code(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"weight": Path("a harmless object that is no tensor")}, folder / "pytorch_model.bin")


def foreign_tokenizer(folder: Path) -> None:
    content = json.loads((folder / "tokenizer.json").read_text())
    content["model"]["vocab"] |= {f"extra{n}": 10_000 + n for n in range(400)}
    (folder / "tokenizer.json").write_text(json.dumps(content))


def inconsistent_tokenizer(folder: Path) -> None:
    content = json.loads((folder / "tokenizer.json").read_text())
    content["model"]["merges"].append(["no", "piece"])
    (folder / "tokenizer.json").write_text(json.dumps(content))


def headless_config(folder: Path) -> None:
    content = json.loads((folder / "config.json").read_text())
    content["language"]["num_attention_heads"] = 0
    (folder / "config.json").write_text(json.dumps(content))


def lost_shard(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-1.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("spoil", "error", "sentence"),
    [
        (lambda folder: shutil.rmtree(folder), ModelNotFoundError, "There is no model|has no config.json"),
        (lambda folder: (folder / "config.json").unlink(), ModelNotFoundError, "has no config.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), ModelNotFoundError, "but no weights"),
        (lambda folder: (folder / "tokenizer.json").unlink(), CheckpointError, "the tokenizer is missing"),
        (damage_config, CheckpointError, "cannot be read as JSON"),
        (foreign_config, CheckpointError, "'bert' model, not an Osprey"),
        (truncate_weights, CheckpointError, "is damaged or not a weights file"),
        (pickled_code, CheckpointError, "is damaged or not a weights file"),
        (foreign_tokenizer, CheckpointError, "they do not belong together"),
        (inconsistent_tokenizer, CheckpointError, "is not a byte-pair tokenizer"),
        (headless_config, CheckpointError, "num_attention_heads must be a whole number of at least 1, not 0"),
        (lost_shard, ModelNotFoundError, "lacks model-1.safetensors"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(saved: Path, spoil: Any, error: Any, sentence: str) -> None:
    spoil(saved)
    with pytest.raises(error, match=sentence):
        Osprey.from_pretrained(str(saved), device="cpu")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("osprey-9000", "There is no model 'osprey-9000' here"),
        ("./no/such/folder", "There is no model"),
        ("~nobody-by-this-name/model", "There is no model"),
        ("x" * 5000, "There is no model"),
        ("someone/some-model", "cannot be reached"),
    ],
)
def test_unknown_models_are_explained(name: str, sentence: str) -> None:
    with pytest.raises(ModelNotFoundError, match=sentence):
        hub.find_checkpoint(name)


def test_a_file_is_no_model_folder(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"x")
    with pytest.raises(ModelNotFoundError, match="is a file"):
        hub.find_checkpoint(str(tmp_path / "x.bin"))


def test_convert_writes_our_layout(saved: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert convert.main([str(saved), str(tmp_path / "out"), "--dtype", "float16"]) == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]
    assert Osprey.from_pretrained(str(tmp_path / "out"), device="cpu").network.config == tiny_config()
    assert convert.main(["no-such-model", str(tmp_path / "out2")]) == 2
    assert "There is no model" in caplog.text
    assert convert.main([str(saved), str(saved)]) == 2
    assert "the same folder" in caplog.text
    (tmp_path / "file").write_text("x")
    assert convert.main([str(saved), str(tmp_path / "file")]) == 2
    assert "cannot be written" in caplog.text


def test_the_config_reads_back(saved: Path) -> None:
    values = json.loads((saved / "config.json").read_text())
    assert OspreyConfig.from_dict(values) == tiny_config()
    values["vision"]["typo"] = 1
    with pytest.raises(CheckpointError, match="unknown entries in 'vision': typo"):
        OspreyConfig.from_dict(values)


def test_the_published_config_is_read_as_documented() -> None:
    config = OspreyConfig.from_published({"model_type": "osprey-stage2", "hidden_size": 4096, "vocab_size": 32000})
    assert config == OspreyConfig()
    assert config.vision.image_token_count == 1024
    assert (config.mask_token_id, config.pos_token_id) == (32000, 32001)


@pytest.mark.slow
def test_open_clips_own_names_build_the_published_encoder() -> None:
    from dataclasses import replace

    config = replace(OspreyConfig(), vision=replace(OspreyConfig().vision, name="convnext_large_d_320"))
    with torch.device("meta"):
        by_clip, by_timm = build_network(config), build_network(OspreyConfig())
    shapes = {name: p.shape for name, p in by_timm.named_parameters()}
    assert {name: p.shape for name, p in by_clip.named_parameters()} == shapes
