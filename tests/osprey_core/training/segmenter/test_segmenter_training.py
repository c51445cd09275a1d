"""A tiny run: it learns, depends on its seed alone, and goes on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from osprey_core.errors import InputError
from osprey_core.model.towers import PHOTO_SIZE, PhotoTower
from osprey_core.runtime.photo_levels import load_photo_tower
from osprey_core.segment.learned import load_click_network
from osprey_core.training.segmenter.__main__ import main
from osprey_core.training.segmenter.tasks import PictureVarieties, drawn_pictures
from osprey_core.training.segmenter.trainer import (
    ClickTask,
    SegmenterTrainer,
    SegmenterTraining,
    prompt_batch,
    segmenter_loss,
)

TINY = SegmenterTraining(steps=2, pictures=1, targets=2, pool=2, checkpoint_every=1, bfloat16=False)


@pytest.fixture(scope="module")
def tower() -> PhotoTower:
    return load_photo_tower()


@pytest.fixture(scope="module")
def varieties() -> PictureVarieties:
    return PictureVarieties([(1.0, drawn_pictures(range(2)))], PHOTO_SIZE)


def trained(tower: PhotoTower, varieties: PictureVarieties, out: Path, config: SegmenterTraining) -> SegmenterTrainer:
    trainer = SegmenterTrainer(tower, varieties, config, out)
    trainer.resume()
    trainer.run()
    return trainer


def test_runs_are_repeatable_and_resumable(tower: PhotoTower, varieties: PictureVarieties, tmp_path: Path) -> None:
    whole = trained(tower, varieties, tmp_path / "a", TINY)
    trained(tower, varieties, tmp_path / "b", SegmenterTraining(**{**vars(TINY), "steps": 1}))
    # The learning rate depends on the length of the run: the resumed one is as long as the whole.
    first = SegmenterTrainer(tower, varieties, TINY, tmp_path / "c")
    first.out.mkdir()
    first.train_step()
    first.save()
    resumed = trained(tower, varieties, tmp_path / "c", TINY)
    assert resumed.step == whole.step == 2
    for name, value in whole.average.state_dict().items():
        torch.testing.assert_close(resumed.average.state_dict()[name], value)
    written = load_click_network(tmp_path / "a" / "learned.safetensors").state_dict()
    for name, value in whole.average.state_dict().items():
        if value.dtype.is_floating_point:
            torch.testing.assert_close(written[name], value, atol=1e-3, rtol=2e-3)


def test_steps_lower_the_loss(tower: PhotoTower, varieties: PictureVarieties, tmp_path: Path) -> None:
    config = SegmenterTraining(
        steps=400, pictures=1, targets=4, pool=1, warm_up=2, corrections=(1.0,), averaging=0.5, learning_rate=3e-3
    )
    trainer = SegmenterTrainer(tower, varieties, config, tmp_path)
    losses = [trainer.train_step()["main"] for _ in range(16)]
    assert np.mean(losses[-4:]) < 0.8 * np.mean(losses[:3])


def test_only_the_best_guess_learns_and_doubtful_clicks_do_not_bind_the_main_answer() -> None:
    goals = torch.zeros(1, 128, 128)
    goals[0, 20:60, 30:80] = 1
    good = (goals * 2 - 1) * 9
    logits = torch.stack([-good, good, -good, -good], 1).requires_grad_(True)
    quality = torch.tensor([[0.0, 1.0, 0.0, 0.0]])
    loss, told = segmenter_loss(logits, quality, goals, torch.tensor([False]))
    loss.backward()
    assert logits.grad is not None
    assert float(logits.grad[0, 0].abs().max()) == 0
    assert told["best_iou"] == 1
    assert told["quality"] == 0
    bound, _ = segmenter_loss(logits, quality, goals, torch.tensor([True]))
    assert float(bound) > float(loss) + 1


def test_tasks_become_prompts() -> None:
    goal = np.zeros((128, 128), np.float32)
    tasks = [
        ClickTask(goal, "thing", [(0.5, 0.25, 1), (0.1, 0.2, 0)]),
        ClickTask(goal, "thing", [], (0.1, 0.2, 0.6, 0.7)),
    ]
    batch = prompt_batch(tasks, torch.ones(2, 1, 128, 128), np.array([True, False]))
    assert batch.labels.tolist() == [[1, 0, -1, -1], [-1] * 4]
    assert batch.points_xy[0, 1].tolist() == pytest.approx([0.1, 0.2])
    assert batch.has_box.tolist() == [False, True]
    assert batch.box_xyxy[1].tolist() == pytest.approx([0.1, 0.2, 0.6, 0.7])
    assert batch.has_previous.tolist() == [True, False]


def test_the_command_trains_on_drawn_scenes(tmp_path: Path) -> None:
    arguments = ["--drawn", "2", "--steps", "1", "--pictures", "1", "--targets", "1", "--pool", "1"]
    assert main(["--out", str(tmp_path), *arguments]) == 0
    assert (tmp_path / "learned.safetensors").is_file()
    entry = json.loads((tmp_path / "log.jsonl").read_text("utf-8").splitlines()[-1])
    assert entry["step"] == 1


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"minutes": 0.0}, {"corrections": (0.5, 0.2)}], ids=str)
def test_settings_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        SegmenterTraining(**wrong)  # type: ignore[arg-type]
