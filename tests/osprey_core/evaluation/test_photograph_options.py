"""The options that choose photographs mean the same in every command that has them."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from osprey_core.errors import InputError
from osprey_core.evaluation import photograph_options
from osprey_core.evaluation.photograph_options import add_photograph_options, joined, photographs_by_file
from tests.osprey_core.evaluation.papers.benchmark_files import write


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Options for two files with pictures 1, 2, 3 and 2, 3, 4."""
    options = []
    for numbers in ((1, 2, 3), (2, 3, 4)):
        content = {
            "images": [{"id": n, "file_name": f"{n}.png", "height": 40, "width": 60} for n in numbers],
            "annotations": [
                {"id": n, "image_id": n, "category_id": 1, "bbox": [2, 2, 30, 9 * n], "segmentation": None}
                for n in numbers
            ],
            "categories": [{"id": 1, "name": "dog"}],
        }
        options += ["--coco", str(write(tmp_path / f"{numbers[0]}.json", content)), "--pictures", str(tmp_path)]
    return options


def chosen(words: list[str]) -> list[list[int]]:
    parser = argparse.ArgumentParser()
    add_photograph_options(parser, required=True)
    by_file = photographs_by_file(parser.parse_args(words), lambda one: one.regions[0].box_xyxy[3] > 12)
    return [[photograph.number for photograph in of_file] for of_file in by_file]


def test_the_limit_is_of_each_file_and_of_what_counts(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(files) == [[2, 3], [2, 3, 4]], "the thing of picture 1 is too low to count"
    assert chosen([*files, "--limit", "1"]) == [[2], [2]]
    monkeypatch.setattr(photograph_options, "held_back", {"mine": {3, 4}, "none": set()}.__getitem__)
    assert chosen([*files, "--held-back", "mine", "--held-back", "none"]) == [[3], []]
    assert chosen([*files[:4], "--held-back", "mine"]) == [[3]]


def test_options_that_do_not_fit_together_are_told(files: list[str]) -> None:
    with pytest.raises(InputError, match="Give --pictures"):
        chosen(files[:-2])
    with pytest.raises(InputError, match="Give --pictures"):
        chosen([*files, "--held-back", "coco100"])
    with pytest.raises(InputError, match="--limit must be at least 1"):
        chosen([*files, "--limit", "-1"])


def test_pictures_of_several_files_have_numbers_of_their_own(files: list[str]) -> None:
    parser = argparse.ArgumentParser()
    add_photograph_options(parser, required=False)
    numbers = [photograph.number for photograph in joined(photographs_by_file(parser.parse_args(files)))]
    assert numbers[:3] == [1, 2, 3]
    assert len(set(numbers)) == 6
    assert joined(photographs_by_file(parser.parse_args([]))) == []
