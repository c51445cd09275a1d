"""A second network for photographs: what is stored of it, what is read back, and which of the two answers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from osprey_core.config import CountingConfig, OspreyConfig, PhotographsConfig, PhotoTowerConfig
from osprey_core.engine import Osprey
from osprey_core.errors import CheckpointError, InputError, ModelNotFoundError
from osprey_core.model import OspreyNetwork, build_network
from osprey_core.model.photograph_gate import PhotographGate
from osprey_core.region_model import Guess, NamedRegion
from osprey_core.runtime import checkpoint
from osprey_core.runtime.photo_levels import KEPT_PICTURES, shared_photo_encoder
from osprey_core.runtime.photograph_network import (
    PHOTOGRAPHS_FILE,
    PhotographNetwork,
    load_photograph_network,
    low_rank,
    save_photograph_network,
)
from osprey_core.runtime.quantize import is_quantized
from osprey_core.segment import ScoredMask
from osprey_core.survey import told
from tests.tiny import tiny_osprey

PHOTO = PhotoTowerConfig(close_up_size=32, prototypes=3)
MASK = np.zeros((60, 80), bool)
MASK[10:30, 20:50] = True
MASK_OF_HALF = np.zeros((512, 512), bool)
MASK_OF_HALF[:, :256] = True
PICTURE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)


def two_networks(bias: float = 1.0) -> Osprey:
    """A model of two networks whose gate takes everything for photographs, or with a negative bias for drawings."""
    first = tiny_osprey()
    config = replace(first.network.config, photographs=PhotographsConfig(PHOTO))
    torch.manual_seed(1)
    second = build_network(config.of_photographs).eval().requires_grad_(False)
    second.vision_tower = first.network.vision_tower
    second.llm.model.embed_tokens = first.network.llm.model.embed_tokens
    gate = PhotographGate(PHOTO)
    with torch.no_grad():
        gate.score.weight.zero_()
        gate.score.bias.fill_(bias)
    network = first.network
    network.config = config
    return Osprey("two", network, first.prompts.tokenizer, photographs=PhotographNetwork(second, gate))


def answers(model: Osprey) -> list[str]:
    view = model.open(PICTURE)
    return [view.ask("What is <region1>?", [MASK]), view.ask("What is in this picture?")]


def alone(network: OspreyNetwork, model: Osprey) -> Osprey:
    return Osprey("alone", network, model.prompts.tokenizer)


def test_a_saved_model_has_both_networks_and_shares_what_is_alike(tmp_path: Path) -> None:
    model = two_networks()
    model.save(tmp_path)
    stored = load_file(tmp_path / PHOTOGRAPHS_FILE)
    assert "llm.model.embed_tokens.weight" not in stored
    assert not any(name.startswith("vision_tower.") for name in stored)
    again = Osprey.from_pretrained(str(tmp_path), "cpu", "float32")
    first, second = again.networks
    for before, after in zip(model.networks, again.networks, strict=True):
        ours, theirs = before.state_dict(), after.state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert second.llm.model.embed_tokens.weight.data_ptr() == first.llm.model.embed_tokens.weight.data_ptr()
    assert answers(again) == answers(model)


@pytest.mark.parametrize(("bias", "which"), [(1.0, 1), (-1.0, 0)])
def test_each_kind_of_picture_is_answered_by_its_network(bias: float, which: int) -> None:
    model = two_networks(bias)
    by_network = [answers(alone(network, model)) for network in model.networks]
    assert by_network[0] != by_network[1]
    assert answers(model) == by_network[which]
    assert model.open(PICTURE).network is model.networks[which]


def test_a_picture_that_is_certainly_drawn_is_not_shown_to_the_photo_tower() -> None:
    model, seen = two_networks(1.0), list[int]()
    encoder = shared_photo_encoder("cpu")
    hook = encoder.tower.register_forward_pre_hook(lambda *_: seen.append(1))
    try:
        flat = np.full((60, 80, 3), 90, np.uint8)
        flat[10:30, 20:50] = (200, 30, 40)
        assert model.open(flat).network is model.networks[0]
        assert not seen
        assert model.open(PICTURE[::-1]).network is model.networks[1]
        assert seen
    finally:
        hook.remove()


def test_the_photo_tower_sees_each_picture_once_however_many_wait_for_their_encoding() -> None:
    model, seen = two_networks(1.0), list[int]()
    pictures = [np.roll(PICTURE, shift, axis=1) for shift in range(20, 20 + KEPT_PICTURES + 2)]
    hook = shared_photo_encoder("cpu").tower.register_forward_pre_hook(lambda *_: seen.append(1))
    try:
        views = model.open_together(pictures)  # all are looked at before the first is encoded
    finally:
        hook.remove()
    assert all(view.network is model.networks[1] for view in views)
    assert len(seen) == len(pictures)
    alone = model.open(pictures[0])
    torch.testing.assert_close(views[0].encoding().image_tokens, alone.encoding().image_tokens, rtol=1e-4, atol=1e-5)


def test_the_gate_reads_the_averages_of_the_levels() -> None:
    """res4 counts with weight 1, res5 with 0 and an offset of -2: maps whose mean is 3 pass, of mean 1 not."""
    gate = PhotographGate(PHOTO)
    with torch.no_grad():
        gate.score.weight.zero_()
        gate.score.weight[0, 0] = 1
        gate.score.bias.fill_(-2)
    photographs = PhotographNetwork(two_networks().network, gate)

    def levels(mean: float) -> dict[str, torch.Tensor]:
        ramp = torch.linspace(mean - 1, mean + 1, 16).view(1, 1, 4, 4)
        return {"res4": ramp.expand(1, 120, 4, 4), "res5": torch.full((1, 352, 2, 2), 100.0)}

    assert photographs.sees_photograph(levels(3))
    assert not photographs.sees_photograph(levels(1))


def test_a_difference_of_low_rank_is_stored_in_less_and_read_back(tmp_path: Path) -> None:
    model = two_networks()
    first, (_, second) = model.network, model.networks
    own = first.state_dict()
    torch.manual_seed(2)
    for name, tensor in second.state_dict().items():
        alike = name.startswith("vision_tower.") or "embed_tokens" in name
        if not alike and tensor.ndim == 2 and name in own and own[name].shape == tensor.shape:
            tensor.copy_(own[name] + torch.randn(tensor.shape[0], 2) @ torch.randn(2, tensor.shape[1]))
    wanted = {name: tensor.clone() for name, tensor in second.state_dict().items()}
    photographs = model.photographs
    assert photographs is not None
    sizes = []
    for rank in (0, 2):
        save_photograph_network(tmp_path, photographs, first, rank)
        sizes.append((tmp_path / PHOTOGRAPHS_FILE).stat().st_size)
        read = load_photograph_network(tmp_path, first.config, first).network.state_dict()
        for name, tensor in wanted.items():
            torch.testing.assert_close(read[name], tensor, rtol=1e-4, atol=1e-4)
    assert sizes[1] < 0.8 * sizes[0]


def test_the_nearest_matrix_of_a_rank() -> None:
    """Of diag(3, 2, 1), the nearest one of rank 2 is diag(3, 2, 0)."""
    up, down = low_rank(torch.diag(torch.tensor([3.0, 2.0, 1.0])), 2)
    assert up.shape == (3, 2)
    torch.testing.assert_close(up @ down, torch.diag(torch.tensor([3.0, 2.0, 0.0])))


def test_the_first_network_saved_by_itself_is_a_model_of_one(tmp_path: Path) -> None:
    model = two_networks()
    checkpoint.save(tmp_path, model.network, model.prompts.tokenizer)
    assert len(Osprey.from_pretrained(str(tmp_path), "cpu", "float32").networks) == 1


def test_both_language_models_are_quantized(tmp_path: Path) -> None:
    two_networks().save(tmp_path)
    model = Osprey.from_pretrained(str(tmp_path), "cpu", "float32", quantize="int8")
    assert all(is_quantized(network.llm) for network in model.networks)
    assert len(answers(model)) == 2


def test_what_is_wrong_with_the_file_is_one_sentence(tmp_path: Path) -> None:
    model = two_networks()
    model.save(tmp_path)
    path = tmp_path / PHOTOGRAPHS_FILE
    whole = load_file(path)

    def load(tensors: dict[str, torch.Tensor]) -> None:
        save_file(tensors, path)
        Osprey.from_pretrained(str(tmp_path), "cpu", "float32")

    key = "gate.score.weight"
    with pytest.raises(CheckpointError, match=r"1 missing: gate\.score\.weight"):
        load({name: tensor for name, tensor in whole.items() if name != key})
    with pytest.raises(CheckpointError, match="1 unexpected: other"):
        load({**whole, "other": torch.zeros(1)})
    with pytest.raises(CheckpointError, match=r"gate\.score\.weight is \(1, 3\)"):
        load({**whole, key: torch.zeros(1, 3)})
    with pytest.raises(CheckpointError, match="not numbers"):
        load({**whole, key: torch.full((1, 472), torch.nan)})
    low = {name: tensor for name, tensor in whole.items() if name != "llm.lm_head.weight"}
    with pytest.raises(CheckpointError, match=r"mis-shaped: llm\.lm_head\.weight"):
        load({**low, "llm.lm_head.weight.up": torch.zeros(4, 2), "llm.lm_head.weight.down": torch.zeros(2, 4)})
    path.unlink()
    with pytest.raises(ModelNotFoundError, match=r"lacks photographs\.safetensors"):
        Osprey.from_pretrained(str(tmp_path), "cpu", "float32")


def test_the_config_is_read_back_and_checked() -> None:
    config = replace(tiny_osprey().network.config, photographs=PhotographsConfig(PHOTO))
    values = json.loads(json.dumps(config.to_dict()))
    assert OspreyConfig.from_dict(values) == config
    assert config.of_photographs.vision.photo == PHOTO
    with pytest.raises(ValueError, match="one network"):
        _ = config.of_photographs.of_photographs
    with pytest.raises(CheckpointError, match="photographs"):
        OspreyConfig.from_dict({**values, "photographs": {"photo": {}, "other": 1}})


def test_what_a_photograph_shows_is_told_by_its_segments_where_the_config_says_so() -> None:
    model = two_networks()
    plain = model.open(PICTURE).ask("What is in this picture?")
    with pytest.raises(InputError, match="does not tell by segments"):
        model.open(PICTURE).survey()
    config = model.network.config
    model.network.config = replace(config, photographs=PhotographsConfig(PHOTO, whole_picture="segments"))
    view = model.open(PICTURE)
    stream = view.stream("What is in this picture?", max_new_tokens=200, temperature=0.7)
    assert "".join(stream) == told(view.survey()) != plain
    assert stream.finish_reason == "eos"
    assert view.ask("What is <region1>?", [MASK]) == two_networks().open(PICTURE).ask("What is <region1>?", [MASK])
    short = view.stream("Describe the picture.", max_new_tokens=1)
    assert len("".join(short)) < 10
    assert short.finish_reason == "length"
    with pytest.raises(InputError):  # drawings are answered by the other network, which has no close-ups
        two_networks(-1.0).open(PICTURE).survey()


def test_a_survey_that_is_stopped_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    model = two_networks()
    config = replace(model.network.config, photographs=PhotographsConfig(PHOTO, whole_picture="segments"))
    model.network.config = config
    segments = [ScoredMask(np.roll(np.eye(512, dtype=bool) | MASK_OF_HALF, step, 1), 0.9) for step in range(4)]
    opened = SimpleNamespace(everything=lambda: segments)
    segmenter = SimpleNamespace(open=lambda image: opened)
    monkeypatch.setattr("osprey_core.segment.learned.load_learned", lambda *args, **options: segmenter)
    view, asked = model.open(PICTURE), list[int]()

    def name(mask: np.ndarray, question: str, guesses: int) -> NamedRegion:
        asked.append(len(asked))
        return NamedRegion((Guess("abcd"[len(asked) - 1], 0.9, 0.9),), 0.5)

    monkeypatch.setattr(view, "_name", name)
    assert [thing.name for thing in view.survey(lambda: len(asked) >= 2)] == ["a", "b"]
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(view.survey) for _ in range(2)]
        assert {tuple(thing.name for thing in one.result(30)) for one in both} == {("a", "b", "c", "d")}
    assert len(asked) == 4
    assert view.ask("What is in this picture?", max_new_tokens=200) == "An a, a b, a c and a d."
    stopped = view.stream("Describe the picture.")
    stopped.stop()
    assert ("".join(stopped), stopped.finish_reason) == ("", "stopped")


def test_the_choice_is_kept_in_the_config() -> None:
    counting = CountingConfig(most_segments=3, offset=-1.5)
    photographs = PhotographsConfig(PHOTO, whole_picture="segments", counting=counting)
    config = replace(two_networks().network.config, photographs=photographs, counting=CountingConfig())
    assert OspreyConfig.from_dict(config.to_dict()) == config
    assert config.of_photographs.counting == counting
    for name, value in (
        ("found", 1.0),
        ("further", 0),
        ("most_segments", 0),
        ("most_segments", 24.5),
        ("least_named", "much"),
        ("other", 1),
    ):
        values = config.to_dict()
        values["counting"] = {**values["counting"], name: value}
        with pytest.raises(CheckpointError):
            OspreyConfig.from_dict(values)
    broken = config.to_dict()
    broken["photographs"]["whole_picture"] = ["segments"]
    with pytest.raises(CheckpointError):
        OspreyConfig.from_dict(broken)
