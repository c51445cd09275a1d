"""Training: each stage moves its own parts and no others, a resumed run ends where an unbroken one does."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from osprey_core.config import SamplerConfig
from osprey_core.engine import Osprey
from osprey_core.errors import InputError
from osprey_core.language.prompts import PromptWriter, Turn
from osprey_core.model import build_network
from osprey_core.model.extractor import MaskGrids
from osprey_core.training.batches import IGNORED, Batch, Scenes, collate, loader
from osprey_core.training.config import LOG_FILE, TrainingConfig
from osprey_core.training.loop import STATE_FILE, Run, Task
from osprey_core.training.objectives import dialogue_loss, image_token_names
from osprey_core.training.optimiser import learning_rate
from osprey_core.training.recipes import Objective, Part, Stage
from osprey_core.training.vocabulary import learn_tokenizer
from tests.tiny import tiny_config, tiny_osprey, tiny_tokenizer

NAMES = ("west", "east")  # equally many ids


@dataclass(frozen=True)
class FakeSample:
    image: np.ndarray
    masks: list[np.ndarray]
    dialogue: list[Turn]
    region_names: list[str]


def fake_source(seed: int) -> list[FakeSample]:
    """A white square on the west or east side of noise, and which side it is on; two dialogues each."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 60, (40, 50, 3), dtype=np.uint8)
    side = int(rng.integers(2))
    mask = np.zeros((40, 50), dtype=bool)
    mask[10:30, 5 + 25 * side : 20 + 25 * side] = True
    image[mask] = 255
    one = FakeSample(image, [mask], [Turn("where is <region1>?", NAMES[side])], [NAMES[side]])
    two = FakeSample(image, [mask], [Turn("what is this?", "a square"), one.dialogue[0]], [NAMES[side]])
    return [one, two]


TASK = Task(lambda stage: fake_source, NAMES)


def config(*stages: Stage, **changes: Any) -> TrainingConfig:
    values: dict[str, Any] = {"model": tiny_config(), "stages": stages, "workers": 0, "save_every": 1000} | changes
    return TrainingConfig(**values)


def stage(*trains: Part, objective: Objective = "dialogue", steps: int = 3, **changes: Any) -> Stage:
    return Stage("test", objective, trains, steps, 1e-3, batch_size=4, warmup_steps=1, **changes)


def run_in(folder: Path, settings: TrainingConfig) -> Run:
    return Run(folder, settings, tiny_tokenizer(), TASK, torch.device("cpu"))


def weights(run: Run) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in run.network.named_parameters()}


@pytest.mark.parametrize(
    ("trains", "objective"),
    [
        (("vision_tower",), "regions"),
        (("llm",), "text"),
        (("mm_projector",), "dialogue"),
        (("mask_extractor",), "dialogue"),
        (("vision_tower", "mm_projector", "mask_extractor", "llm"), "dialogue"),
    ],
)
def test_a_stage_moves_its_parts_and_nothing_else(
    tmp_path: Path, trains: tuple[Part, ...], objective: Objective
) -> None:
    run = run_in(tmp_path, config(stage(*trains, objective=objective)))
    before = weights(run)
    assert run.train()
    after = weights(run)
    moved = {name.split(".")[0] for name in after if not torch.equal(before[name], after[name])}
    assert moved == set(trains)


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    naming = replace(stage("mask_extractor", "llm", steps=4, naming=1.0, image_naming=0.5), name="naming")
    stages = (stage("vision_tower", objective="regions", steps=4), stage("mask_extractor", "llm", steps=6), naming)
    whole = run_in(tmp_path / "whole", config(*stages))
    assert whole.train()
    rounds = 0
    finished = False
    while not finished:  # out of time after every single step
        broken = run_in(tmp_path / "broken", config(*stages))
        finished = broken.train(max_minutes=0)
        rounds += 1
    assert rounds > 5
    expected, actual = weights(whole), weights(broken)
    for name in expected:
        assert torch.equal(expected[name], actual[name]), name


def started(folder: Path, settings: TrainingConfig, lora_rank: int = 0, seed: int = 0) -> Run:
    """A run that goes on from the tiny model."""
    network = tiny_osprey(seed=seed).network
    return Run(folder, settings, tiny_tokenizer(), TASK, torch.device("cpu"), network, lora_rank)


def test_a_stage_shows_pictures_at_its_own_size(tmp_path: Path) -> None:
    """By default at the model's; the network takes both, and computes as many image tokens as the ids expect."""
    own, small = (replace(stage("mm_projector"), name=f"at {size}", image_size=size) for size in (0, 32))
    settings = config(own, small)
    run = Run(tmp_path, settings, tiny_tokenizer(), TASK, torch.device("cpu"))
    size = settings.model.vision.image_size
    assert size != 32
    assert next(run.batches(own)).pixel_values.shape[-2:] == (size, size)
    assert next(run.batches(small)).pixel_values.shape[-2:] == (32, 32)
    assert run.train()


def test_a_run_goes_on_from_the_network_it_is_given(tmp_path: Path) -> None:
    expected = {name: p.detach().clone() for name, p in tiny_osprey().network.named_parameters()}
    actual = weights(started(tmp_path, config(stage("llm"))))
    assert all(torch.equal(expected[name], actual[name]) for name in expected)


def test_parts_of_a_trained_network_are_taken_over(tmp_path: Path) -> None:
    run = run_in(tmp_path, config(stage("llm")))
    before, theirs = weights(run), tiny_osprey(seed=5).network
    run.start_from(theirs, ("vision_tower", "mask_extractor"))
    after, given = weights(run), dict(theirs.named_parameters())
    for name, tensor in after.items():
        taken = name.startswith(("vision_tower", "mask_extractor"))
        assert torch.equal(tensor, given[name] if taken else before[name]), name
    other = replace(tiny_config(), language=replace(tiny_config().language, intermediate_size=48))
    with pytest.raises(InputError, match="llm to start from has other sizes"):
        run.start_from(build_network(other), ("llm",))


@pytest.mark.parametrize("trains", [("llm",), ("mask_extractor", "llm")])
def test_with_adapters_the_language_models_own_weights_stay(tmp_path: Path, trains: tuple[Part, ...]) -> None:
    run = started(tmp_path, config(stage(*trains)), lora_rank=2)
    before = weights(run)
    assert run.train()
    after = weights(run)
    moved = {name for name in after if not torch.equal(before[name], after[name])}
    assert {name.split(".")[0] for name in moved} == set(trains)
    assert all(".lora_" in name for name in moved if name.startswith("llm"))
    assert any(".lora_B." in name for name in moved)


def test_a_saved_model_with_adapters_computes_what_the_trained_one_does(tmp_path: Path) -> None:
    run = started(tmp_path / "run", config(stage("mask_extractor", "llm", steps=6)), lora_rank=4)
    run.train()
    before = weights(run)
    run.save_model(tmp_path / "model", torch.float32)
    after = weights(run)
    assert all(torch.equal(before[name], after[name]) for name in before)  # saving leaves the run as it was
    model = Osprey.from_pretrained(str(tmp_path / "model"), device="cpu")
    ids = torch.tensor([[1, -200, 300, 301, 290, 291]])
    ids[0, 2], ids[0, 3] = tiny_config().mask_token_id, tiny_config().pos_token_id
    inputs = (ids, torch.randn(1, 3, 64, 64), [torch.ones(1, 20, 20)])
    with torch.inference_mode():
        trained, saved = run.network.eval()(*inputs), model.network(*inputs)
        original = tiny_osprey().network(*inputs)
    assert torch.allclose(trained, saved, atol=1e-5)
    assert not torch.allclose(trained, original, atol=1e-4)


def test_a_resumed_run_with_adapters_and_scores_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    settings = config(stage("mask_extractor", "llm", steps=5), score_every=2, held_out=3)
    task = replace(TASK, held_out=fake_source)

    def run_to(folder: Path) -> Run:
        return Run(folder, settings, tiny_tokenizer(), task, torch.device("cpu"), tiny_osprey().network, 2)

    whole = run_to(tmp_path / "whole")
    assert whole.train()
    while not (broken := run_to(tmp_path / "broken")).train(max_minutes=0):
        pass
    expected, actual = weights(whole), weights(broken)
    assert all(torch.equal(expected[name], actual[name]) for name in expected)
    assert broken.best_score == whole.best_score is not None
    logs = [(tmp_path / name / LOG_FILE).read_text().splitlines() for name in ("whole", "broken")]
    scores = [[line for line in log if "held_out" in line] for log in logs]
    assert scores[0] == scores[1]
    assert [json.loads(line)["step"] for line in scores[0]] == [2, 4, 5]
    best = [load_file(tmp_path / name / "best" / "model.safetensors") for name in ("whole", "broken")]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])
    state = torch.load(tmp_path / "whole" / STATE_FILE, weights_only=True)
    assert not [name for name in state["network"] if "llm" in name and ".lora_" not in name]


def test_the_best_model_is_the_one_with_the_highest_score(tmp_path: Path) -> None:
    scores = iter([0.2, 0.7, 0.5])
    settings = config(stage("llm", steps=3), stage("llm", objective="text", steps=2), score_every=1)
    run = run_in(tmp_path, settings)
    best_scores: list[float | None] = []
    run.held_out_score = lambda: next(scores)  # type: ignore[method-assign]
    run.save_model = lambda folder, dtype=None: best_scores.append(run.best_score)  # type: ignore[method-assign]
    assert run.train()  # the text stage is not scored
    assert best_scores == [0.2, 0.7]


def test_scoring_changes_nothing(tmp_path: Path) -> None:
    plain = run_in(tmp_path / "plain", config(stage("llm")))
    scored = run_in(tmp_path / "scored", config(stage("llm"), score_every=1, held_out=4))
    scored.task = replace(TASK, held_out=fake_source)
    assert plain.train()
    assert scored.train()
    assert 0 <= scored.held_out_score() <= 1
    assert scored.network.training
    assert all(torch.equal(a, b) for a, b in zip(weights(plain).values(), weights(scored).values(), strict=True))
    with pytest.raises(InputError, match="no held-out set"):
        plain.held_out_score()


def test_computing_activations_twice_changes_nothing(tmp_path: Path) -> None:
    plain = started(tmp_path / "plain", config(stage("llm", "mask_extractor")))
    twice = started(tmp_path / "twice", config(stage("llm", "mask_extractor"), gradient_checkpointing=True))
    assert plain.train()
    assert twice.train()
    for (name, a), b in zip(weights(plain).items(), weights(twice).values(), strict=True):
        assert torch.allclose(a, b, atol=1e-6), name


def test_a_state_of_other_settings_is_refused(tmp_path: Path) -> None:
    assert started(tmp_path, config(stage("llm", steps=1)), lora_rank=2).train()
    with pytest.raises(InputError, match="begun with another model or other settings"):
        started(tmp_path, config(stage("llm", steps=1)))
    with pytest.raises(InputError, match="begun with another model or other settings"):
        started(tmp_path, config(stage("llm", steps=1)), lora_rank=3)
    other = replace(stage("llm", steps=1), name="other")
    with pytest.raises(InputError, match="begun with the stages test, not with other"):
        started(tmp_path, config(other), lora_rank=2)


def test_a_state_from_before_scores_were_kept_is_taken_up(tmp_path: Path) -> None:
    settings = config(stage("mask_extractor", steps=4))
    run = run_in(tmp_path, settings)
    run.train(max_minutes=0)
    state = torch.load(tmp_path / STATE_FILE, weights_only=True)
    torch.save({key: state[key] for key in state if key not in ("stages", "best_score")}, tmp_path / STATE_FILE)
    again = run_in(tmp_path, settings)
    assert again.step == 1
    assert again.best_score is None


def test_accumulated_gradients_make_the_step_of_the_whole_batch(tmp_path: Path) -> None:
    # One dialogue per row and equally long answers, so that the mean of means is the mean.
    results = []
    for accumulate in (1, 2):
        settings = config(stage("mask_extractor", steps=1, accumulate=accumulate), dialogues_per_scene=2)
        run = run_in(tmp_path / str(accumulate), settings)
        run.task = Task(lambda stage: lambda seed: fake_source(2 * seed)[:1] * 2, NAMES)
        run.train()
        results.append(weights(run)["mask_extractor.feat_linear.weight"])
    # Adam's first step is the gradient's sign times the rate; where the gradient is all but zero, rounding decides it.
    same = (results[0] - results[1]).abs() < 2e-4
    assert float(same.float().mean()) > 0.97


def test_answers_beginnings_weigh_as_the_stage_says(tmp_path: Path) -> None:
    run = run_in(tmp_path, config(stage("llm", steps=1)))
    prompts = PromptWriter(run.config.model, tiny_tokenizer())
    scenes = Scenes(fake_source, prompts, {}, 400, first_seed=5, count=4)
    batch = next(iter(loader(scenes, 4, 0))).to(torch.device("cpu"))
    turns = sum(len(sample.dialogue) for seed in range(5, 9) for sample in fake_source(seed))
    firsts, rest = batch.labels.clone(), batch.labels.clone()
    for row, labels in enumerate(batch.labels.tolist()):
        begun = [t for t, label in enumerate(labels) if label != IGNORED and (t == 0 or labels[t - 1] == IGNORED)]
        rest[row, begun] = IGNORED
        firsts[row, [t for t in range(len(labels)) if t not in begun]] = IGNORED
    assert int((firsts != IGNORED).sum()) == turns
    n_rest = int((rest != IGNORED).sum())

    def loss(labels: torch.Tensor, weight: float) -> float:
        with torch.inference_mode():
            return float(dialogue_loss(run.network.eval(), replace(batch, labels=labels), True, weight).loss)

    for weight in (1.0, 4.0, 0.5):
        expected = weight * turns * loss(firsts, 1.0) + n_rest * loss(rest, 1.0)
        assert loss(batch.labels, weight) == pytest.approx(expected / (weight * turns + n_rest), rel=1e-5)
    with pytest.raises(InputError, match="answer_start_weight must be above 0"):
        replace(stage("llm"), answer_start_weight=0)


def naming_batch(run: Run) -> Batch:
    prompts = PromptWriter(run.config.model, tiny_tokenizer())
    names = {name: place for place, name in enumerate(NAMES)}
    return next(iter(loader(Scenes(fake_source, prompts, names, 400, first_seed=5, count=4), 4, 0)))


def test_naming_is_added_to_the_answers_loss_as_often_as_the_stage_says(tmp_path: Path) -> None:
    run = run_in(tmp_path, config(stage("llm", steps=1)))
    batch, network, namer = naming_batch(run), run.network.eval(), run.namer
    batch = batch.to(torch.device("cpu"))
    with torch.inference_mode():
        answers = float(dialogue_loss(network, batch).loss)
        image_tokens, levels = network.encode_image(batch.pixel_values)
        levels = {name: level[batch.pictures] for name, level in levels.items()}
        mask_tokens, _ = network.mask_extractor.extract(levels, batch.grids)
        regions = F.cross_entropy(namer(mask_tokens[:, 0]), batch.names[:, 0])  # one region a row
        inside = batch.grids.cells["res4"][:, 0].flatten(1)
        scores = [(namer(image_tokens[p][c]), n) for p, c, n in zip(batch.pictures, inside, batch.names, strict=True)]
        tokens = F.cross_entropy(
            torch.cat([found for found, _ in scores]), torch.cat([n.expand(len(found)) for found, n in scores])
        )
        for naming, image_naming in ((0.0, 0.0), (1.0, 0.0), (0.5, 2.0)):
            outcome = dialogue_loss(network, batch, True, 1.0, namer, naming, image_naming)
            expected = answers + naming * float(regions) + image_naming * float(tokens)
            assert float(outcome.loss) == pytest.approx(expected, rel=1e-5)
    assert 0 <= float(outcome.region_accuracy) <= 1
    assert torch.isnan(dialogue_loss(network, batch).region_accuracy)


def test_an_image_token_is_named_where_one_region_with_a_name_is(tmp_path: Path) -> None:
    batch = naming_batch(run_in(tmp_path, config(stage("llm", steps=1))))
    cells = torch.zeros(1, 3, 2, 3, dtype=torch.bool)
    cells[0, 0, 0, :2] = True  # the first region: cells 0 and 1
    cells[0, 1, 0, 1:] = True  # the second: 1 and 2
    cells[0, 2, 1, 0] = True  # the third, without a name: 3
    grids = MaskGrids({**batch.grids.cells, "res4": cells}, batch.grids.shape)
    made = replace(batch, grids=grids, names=torch.tensor([[0, 7, IGNORED]]))
    assert image_token_names(made).tolist() == [[0, IGNORED, 7, IGNORED, IGNORED, IGNORED]]


def test_regions_without_any_name_add_nothing(tmp_path: Path) -> None:
    run = run_in(tmp_path, config(stage("llm", steps=1)))
    batch = naming_batch(run).to(torch.device("cpu"))
    batch = replace(batch, names=torch.full_like(batch.names, IGNORED))
    with torch.inference_mode():
        named, answers = (
            dialogue_loss(run.network, batch, True, 1.0, run.namer, 1.0, 1.0),
            dialogue_loss(run.network, batch),
        )
    assert float(named.loss) == pytest.approx(float(answers.loss), rel=1e-6)


def test_a_stage_may_teach_the_namer_alone(tmp_path: Path) -> None:
    run = run_in(tmp_path, config(stage(objective="regions")))
    before, namer = weights(run), run.namer.linear.weight.detach().clone()
    assert run.train()
    assert all(torch.equal(before[name], tensor) for name, tensor in weights(run).items())
    assert not torch.equal(namer, run.namer.linear.weight)
    with pytest.raises(InputError, match="trains no part"):
        stage()


@pytest.mark.parametrize(
    ("changes", "message"), [({"naming": -1.0}, "must not be negative"), ({"turns": 13}, "turns must be 1 to 12")]
)
def test_stages_out_of_range_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        stage("llm", **changes)


@pytest.mark.parametrize(("precision", "dtype"), [("bfloat16", torch.bfloat16), ("float32", torch.float32)])
def test_products_are_computed_in_the_runs_precision(tmp_path: Path, precision: str, dtype: torch.dtype) -> None:
    run = run_in(tmp_path, config(stage("llm"), precision=precision))
    with run.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_a_sampler_learns_to_name_regions(tmp_path: Path) -> None:
    """Points travel with the batch, from the loader to the extractor."""
    sampler = SamplerConfig(points=32, anchors=(8, 4), neighbours=6, levels=("res3", "res4"))
    model = replace(tiny_config(), extractor=replace(tiny_config().extractor, sampler=sampler))
    first = replace(stage("mask_extractor", objective="regions", steps=30), batch_size=8)
    run = run_in(tmp_path, config(first, model=model))
    before = weights(run)
    run.train()
    after = weights(run)
    still = [name for name in after if ".blocks." in name and torch.equal(before[name], after[name])]
    assert not [name for name in still if name.startswith("mask_extractor")]
    entries = [json.loads(line) for line in (tmp_path / LOG_FILE).read_text().splitlines()]
    assert entries[-1]["token_accuracy"] == 1.0


@pytest.mark.slow
def test_the_model_learns_where_a_region_is(tmp_path: Path) -> None:
    settings = config(stage("mask_extractor", "llm", "mm_projector", steps=120), model=tiny_config())
    settings = replace(settings, stages=(replace(settings.stages[0], batch_size=16, learning_rate=5e-3),))
    run = run_in(tmp_path, settings)
    run.train()
    scenes = Scenes(fake_source, PromptWriter(settings.model, tiny_tokenizer()), {}, 400, first_seed=77_000, count=16)
    with torch.inference_mode():
        outcome = dialogue_loss(run.network.eval(), next(iter(loader(scenes, 16, 0))).to(torch.device("cpu")))
    assert float(outcome.row_accuracy) > 0.9


def test_a_saved_run_is_a_model_that_answers(tmp_path: Path) -> None:
    run = run_in(tmp_path / "run", config(stage("llm", steps=1)))
    run.train()
    run.save_model(tmp_path / "model")
    model = Osprey.from_pretrained(str(tmp_path / "model"), device="cpu")
    sample = fake_source(1)[0]
    assert isinstance(model.open(sample.image).ask("where is <region1>?", sample.masks), str)


def test_labels_are_the_answers_shifted_by_one() -> None:
    prompts = PromptWriter(tiny_config(), tiny_tokenizer())
    scenes = Scenes(fake_source, prompts, {"west": 0, "east": 1}, 400, first_seed=5, count=1)
    batch = collate([scenes[0]])
    for row, sample in enumerate(fake_source(5)):
        learned = batch.labels[row][batch.labels[row] != IGNORED].tolist()
        answers = [
            i for turn in sample.dialogue for i in [*prompts.tokenizer.encode_continuation(" " + turn.answer), 2]
        ]
        assert learned == answers
        where = torch.nonzero(batch.labels[row] != IGNORED).flatten()
        assert torch.equal(batch.ids[row][where + 1], batch.labels[row][where])
    assert int((batch.ids == -200).sum()) == 2 * tiny_config().vision.image_token_count
    assert batch.shown.tolist() == [[0, 0], [1, 0]]  # the second dialogue introduces region1, then names it


def test_long_dialogues_lose_their_last_turns() -> None:
    prompts = PromptWriter(tiny_config(), tiny_tokenizer())
    sample = fake_source(0)[1]
    whole = Scenes(fake_source, prompts, {}, 400, 0, 1)[0][1]
    prompt, _ = prompts.transcript([sample.dialogue[0]], 1)
    cut = Scenes(fake_source, prompts, {}, len(prompt.ids) + 2, 0, 1)[0][1]
    assert len(cut.ids) < len(whole.ids)
    assert torch.equal(whole.ids[: len(cut.ids)], cut.ids)


def test_the_learning_rate_warms_up_and_comes_down() -> None:
    one = Stage("test", "text", ("llm",), steps=1000, learning_rate=1.0, warmup_steps=100)
    rates = [learning_rate(one, step) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) in (99, 100)
    assert rates[-1] == pytest.approx(0.01, abs=1e-3)
    assert all(a >= b for a, b in itertools.pairwise(rates[100:]))


def test_a_learned_vocabulary_has_its_size_and_reads_back_any_text() -> None:
    texts = [f"the {colour} {thing} is on the left" for colour in ("red", "blue") for thing in ("dog", "car", "tree")]
    tokenizer = learn_tokenizer(texts * 20, 300)
    assert tokenizer.vocab_size == 300
    assert (tokenizer.bos_id, tokenizer.eos_id) == (1, 2)
    for text in ("the red dog", "描述 🙂", "Zebra!\n"):
        assert tokenizer.decode(tokenizer.encode_piece(text)) == " " + text
    assert len(tokenizer.encode_piece("the red dog")) < len("the red dog") / 2
    with pytest.raises(InputError, match="only"):
        learn_tokenizer(texts, 5000)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"steps": 0}, "at least 1"),
        ({"accumulate": 3}, "multiple of accumulate"),
        ({"image_size": 40}, "multiple of 32"),
    ],
)
def test_impossible_stages_are_refused(changes: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        stage("llm", **changes)


def test_a_stage_without_parts_is_refused() -> None:
    with pytest.raises(InputError, match="trains no part"):
        stage()
