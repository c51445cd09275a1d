"""Answers the items of a benchmark: picture by picture, many regions at a time, resumable at any item.

Answers are lines of a file that begins with what they were asked with; a run that goes on has to be asked alike. Every
item has a seed of its own, so that a resumed run gives the answers of an unbroken one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from osprey_core.engine import Osprey
from osprey_core.evaluation.papers.answer_log import AnswerLog
from osprey_core.evaluation.papers.items import Item
from osprey_core.io.pictures import read_picture
from osprey_core.language.prompts import PromptWriter


@dataclass(frozen=True)
class RunSettings:
    """What answers depend on besides the items."""

    benchmark: str
    model: str
    intro: str
    """"" leaves the model's own."""
    temperature: float
    max_new_tokens: int
    seed: int = 0


def with_intro(model: Any, intro: str) -> Any:
    """The same model with another text before questions. Models that are no Osprey have none and stay."""
    if not intro or not isinstance(model, Osprey):
        return model
    config = model.network.config
    changed = copy(model)
    prompt = replace(config.prompt, image_intro=intro)
    changed.prompts = PromptWriter(replace(config, prompt=prompt), model.prompts.tokenizer)
    return changed


def answer_items(
    model: Any, items: Sequence[Item], file: Path, settings: RunSettings, batch_size: int = 16
) -> dict[str, str]:
    """Answers by key. Those in the file are kept; each further one is added to it at once.

    Raises InputError where the file's answers were asked with other settings, or an item cannot be asked.
    """
    log = AnswerLog(file, asdict(settings))
    pending = [item for item in items if item.key not in log.entries]
    model = with_intro(model, settings.intro)
    with tqdm(total=len(items), initial=len(items) - len(pending), desc="answers", mininterval=5) as progress:
        for group in _by_picture(pending):
            view = model.open(read_picture(group[0].picture))
            for item, answer in _ask(view, group, settings, batch_size):
                log.add(item.key, answer)
                progress.update()
    return {item.key: log.entries[item.key] for item in items}


def _by_picture(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Items of the same picture together, pictures in the order of their first item."""
    groups: dict[Path, list[Item]] = {}
    for item in items:
        groups.setdefault(item.picture, []).append(item)
    yield from groups.values()


def _seed(settings: RunSettings, key: str) -> int:
    return zlib.crc32(f"{settings.seed} {key}".encode())


def _ask(view: Any, items: Sequence[Item], settings: RunSettings, batch_size: int) -> Iterator[tuple[Item, str]]:
    """Items of one picture with their answers: one question about single regions in batches, others one by one."""
    sampling = {"temperature": settings.temperature, "max_new_tokens": settings.max_new_tokens}
    by_question: dict[str, list[Item]] = {}
    for item in items:
        by_question.setdefault(item.question, []).append(item)
    for question, group in by_question.items():
        for start in range(0, len(group), batch_size):
            batch = group[start : start + batch_size]
            masks = [item.masks() for item in batch]
            if empty := [item for item, of_item in zip(batch, masks, strict=True) if not all(m.any() for m in of_item)]:
                yield from ((item, "") for item in empty)  # an outline too thin for any pixel shows nothing
                masks = [of_item for item, of_item in zip(batch, masks, strict=True) if item not in empty]
                batch = [item for item in batch if item not in empty]
            if len(batch) > 1 and hasattr(view, "ask_each") and all(len(of_item) == 1 for of_item in masks):
                seeds = [_seed(settings, item.key) for item in batch]
                single = [of_item[0] for of_item in masks]
                for place, answer in view.ask_each(question, single, batch_size, seed=seeds, **sampling):
                    yield batch[place], answer
                continue
            for item, of_item in zip(batch, masks, strict=True):
                yield item, view.ask(question, list(of_item), seed=_seed(settings, item.key), **sampling)
