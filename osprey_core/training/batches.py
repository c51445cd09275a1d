"""Turns dialogue samples into batches of tensors, in the worker processes of a data loader.

All preparation that needs no weights is here: pixels, masks on every grid, token ids and labels. This module does not
know where samples come from or what is trained on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from osprey_core.config import IMAGE_PLACEHOLDER_ID
from osprey_core.errors import OspreyError
from osprey_core.language.prompts import PromptWriter, TextPrompt, Turn
from osprey_core.model.extractor import MaskGrids, rasterize_masks
from osprey_core.model.preprocess import image_to_tensor
from osprey_core.model.region_points import NO_POINT
from osprey_core.runtime.photo_levels import photo_pixels

IGNORED = -100
"""Label of positions that are not learned; what cross entropy ignores."""


class SampleTurn(Protocol):
    """One question and its answer, and how many regions there were when it was asked."""

    @property
    def question(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def known_regions(self) -> int | None: ...


class Sample(Protocol):
    """What a dialogue generator or a reader of records gives."""

    @property
    def image(self) -> np.ndarray: ...
    @property
    def masks(self) -> Sequence[np.ndarray]: ...
    @property
    def dialogue(self) -> Sequence[SampleTurn]: ...
    @property
    def region_names(self) -> Sequence[str]:
        """What each region shows, where that is known; may be empty."""
        ...


SampleSource = Callable[[int], Sequence[Sample]]
"""Samples of one seed, all over the same picture. The same seed gives the same samples."""


@dataclass
class TrainingExample:
    """One dialogue over one picture, as tensors."""

    pixel_values: torch.Tensor
    """float16 (3, S, S)."""
    photo_values: torch.Tensor | None
    """float16 (3, 512, 512) for the photo tower, of models that have one."""
    grids: MaskGrids
    """Of all Q regions."""
    shown: tuple[int, ...]
    """Region index of every `<mask><pos>` in the ids, in order."""
    ids: torch.Tensor
    """int64 (T,), the picture's id repeated per image token."""
    labels: torch.Tensor
    """int64 (T,): the id to be predicted at this position, or IGNORED."""
    names: torch.Tensor
    """int64 (Q,): class of each region, or IGNORED."""


@dataclass
class Batch:
    """B dialogues over P pictures. Regions are padded to the largest number of any row."""

    pixel_values: torch.Tensor
    """(P, 3, S, S): a picture with several dialogues is there, and is encoded, once."""
    photo_values: torch.Tensor | None
    """(P, 3, 512, 512) for the photo tower, of models that have one."""
    pictures: torch.Tensor
    """int64 (B,): which picture each dialogue is about."""
    grids: MaskGrids
    shown: torch.Tensor
    """int64 (R, 2): row and region of every `<mask><pos>`, in the order of the rows' ids."""
    ids: torch.Tensor
    labels: torch.Tensor
    names: torch.Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""

        def move(tensor: torch.Tensor) -> torch.Tensor:
            return tensor.to(device, non_blocking=True)

        rest = (move(tensor) for tensor in (self.shown, self.ids, self.labels, self.names))
        photo = None if self.photo_values is None else move(self.photo_values).float()
        return Batch(move(self.pixel_values).float(), photo, move(self.pictures), self.grids.each(move), *rest)


def fitting_transcript(
    prompts: PromptWriter, sample: Sample, max_tokens: int
) -> tuple[TextPrompt, torch.Tensor, torch.Tensor]:
    """A sample's conversation without the last turns that exceed `max_tokens`; the first turn always stays.

    Returns:
        the prompt, its ids int64 (T,), and the same ids where they are learned, else IGNORED.
    """
    turns = [Turn(turn.question, turn.answer, turn.known_regions) for turn in sample.dialogue]
    while True:
        prompt, learned = prompts.transcript(turns, len(sample.masks))
        if len(prompt.ids) <= max_tokens or len(turns) == 1:
            break
        turns = turns[:-1]
    ids = torch.tensor(prompt.ids)
    return prompt, ids, torch.where(torch.tensor(learned), ids, IGNORED)


def of_next_id(labels: torch.Tensor) -> torch.Tensor:
    """Labels (T,) moved to the positions that predict them: position t predicts id t + 1."""
    return torch.cat([labels[1:], labels.new_full((1,), IGNORED)])


def make_example(
    sample: Sample,
    pixel_values: torch.Tensor,
    prompts: PromptWriter,
    name_ids: Mapping[str, int],
    max_tokens: int,
    photo_values: torch.Tensor | None = None,
) -> TrainingExample:
    """Turn one sample into tensors. Last turns that exceed `max_tokens` are left out, the first one never is."""
    config = prompts.config
    sizes_hw = config.vision.pooled_sizes_hw
    stacked = torch.from_numpy(np.stack(sample.masks)) if len(sample.masks) else torch.zeros(0, 1, 1)
    prompt, ids, labels = fitting_transcript(prompts, sample, max_tokens)
    repeats = torch.where(ids == IMAGE_PLACEHOLDER_ID, config.vision.image_token_count, 1)
    ids, labels = ids.repeat_interleave(repeats), labels.repeat_interleave(repeats)
    labels = of_next_id(labels)
    named = sample.region_names or [""] * len(sample.masks)
    names = torch.tensor([name_ids.get(name, IGNORED) for name in named], dtype=torch.long)
    return TrainingExample(
        pixel_values,
        photo_values,
        rasterize_masks(stacked, sizes_hw, config.extractor.mask_size, config.extractor.point_count),
        prompt.regions,
        ids,
        labels,
        names,
    )


def collate(groups: Sequence[Sequence[TrainingExample]]) -> Batch:
    """Stack groups of examples over the same picture; ids are padded at the end with 0, which no label looks at."""
    examples = [example for group in groups for example in group]
    regions = max(1, *(len(example.names) for example in examples))
    cells = {
        name: torch.stack([_pad_rows(example.grids.cells[name], regions) for example in examples])
        for name in examples[0].grids.cells
    }
    drawn = [example.grids.points for example in examples if example.grids.points is not None]
    points = torch.stack([_pad_rows(one, regions, NO_POINT) for one in drawn]) if drawn else None
    shown = [(row, region) for row, example in enumerate(examples) for region in example.shown]
    photo_values = [values for group in groups if (values := group[0].photo_values) is not None]
    return Batch(
        torch.stack([group[0].pixel_values for group in groups]),
        torch.stack(photo_values) if photo_values else None,
        torch.repeat_interleave(torch.tensor([len(group) for group in groups])),
        MaskGrids(cells, torch.stack([_pad_rows(example.grids.shape, regions) for example in examples]), points),
        torch.tensor(shown, dtype=torch.long).reshape(-1, 2),
        torch.nn.utils.rnn.pad_sequence([example.ids for example in examples], batch_first=True),
        torch.nn.utils.rnn.pad_sequence(
            [example.labels for example in examples], batch_first=True, padding_value=IGNORED
        ),
        torch.stack([_pad_rows(example.names, regions, IGNORED) for example in examples]),
    )


def _pad_rows(tensor: torch.Tensor, rows: int, value: int = 0) -> torch.Tensor:
    padding = tensor.new_full((rows - tensor.shape[0], *tensor.shape[1:]), value)
    return torch.cat([tensor, padding])


class Scenes(Dataset[Any]):
    """Examples by seed: item i is made from seed `first_seed + i`, whoever asks and in whatever order."""

    def __init__(
        self,
        source: SampleSource,
        prompts: PromptWriter,
        name_ids: Mapping[str, int],
        max_tokens: int,
        first_seed: int,
        count: int,
    ) -> None:
        self.source = source
        self.prompts = prompts
        self.name_ids = name_ids
        self.max_tokens = max_tokens
        self.first_seed = first_seed
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> list[TrainingExample]:
        if not 0 <= index < self.count:
            raise IndexError(index)
        samples = self.source(self.first_seed + index)
        vision, image = self.prompts.config.vision, samples[0].image
        pixels = image_to_tensor(image, vision.image_size, vision.mean, vision.std).half()
        photo = None if vision.photo is None else photo_pixels(image).half()
        return [make_example(sample, pixels, self.prompts, self.name_ids, self.max_tokens, photo) for sample in samples]


def loader(scenes: Scenes, scenes_per_batch: int, workers: int) -> Iterator[Batch]:
    """Batches in seed order. With workers, each batch is made by one of them.

    Raises OspreyError where the data are wrong, with the same error in a worker and without workers.
    """
    batches = DataLoader(
        _ErrorsAsItems(scenes),
        batch_size=scenes_per_batch,
        num_workers=workers,
        collate_fn=_collate_or_error,
        drop_last=True,
        pin_memory=torch.cuda.is_available(),
        prefetch_factor=4 if workers else None,
        worker_init_fn=one_thread,
    )
    for batch in batches:
        if isinstance(batch, OspreyError):
            raise batch
        yield batch


class _ErrorsAsItems(Dataset[Any]):
    """Scenes whose errors are items: a data loader would turn an error raised in a worker into its trace's text."""

    def __init__(self, scenes: Scenes) -> None:
        self._scenes = scenes

    def __len__(self) -> int:
        return len(self._scenes)

    def __getitem__(self, index: int) -> list[TrainingExample] | OspreyError:
        try:
            return self._scenes[index]
        except OspreyError as error:
            return error


def _collate_or_error(groups: Sequence[Sequence[TrainingExample] | OspreyError]) -> Batch | OspreyError:
    """A batch, or the first error among its items."""
    errors = [group for group in groups if isinstance(group, OspreyError)]
    return errors[0] if errors else collate([group for group in groups if not isinstance(group, OspreyError)])


def one_thread(_: int) -> None:
    """Keep a worker process to one thread."""
    # Workers are many and share the cores; OpenCV and torch would each start a thread per core.
    torch.set_num_threads(1)
    import cv2

    cv2.setNumThreads(0)
