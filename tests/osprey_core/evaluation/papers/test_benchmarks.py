"""Each benchmark on tiny files in its published layout, and every measure on cases worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertModel

from osprey_core.errors import InputError
from osprey_core.evaluation.given_masks import LabelledSegment
from osprey_core.evaluation.measures import resampled
from osprey_core.evaluation.papers import command, hallucination, open_segmentation, pope, referring
from osprey_core.evaluation.papers.report import published
from osprey_core.evaluation.sentence_similarity import load_sentence_encoder
from osprey_core.runtime import hub
from osprey_core.vocabularies import load_vocabulary
from tests.osprey_core.evaluation.papers.benchmark_files import (
    box_mask,
    coded,
    picture,
    word_encoder,
    write,
    write_lines,
)
from tests.tiny import tiny_osprey

# --- referring classification


@pytest.fixture
def lvis(tmp_path: Path) -> Path:
    """One picture with a polygon and a run-length region, names as LVIS and PACO write them."""
    picture(tmp_path / "coco" / "000000000009.jpg")
    polygon = [[10.0, 5.0, 30.0, 5.0, 30.0, 15.0, 10.0, 15.0]]
    entry = {
        "file_name": "000000000009.jpg",
        "height": 40,
        "width": 60,
        "categories": ["dog:leg", "sports_car"],
        "annotations": [{"segmentation": polygon}, {"segmentation": coded(box_mask(20, 20, 39, 50))}],
    }
    return write(tmp_path / "lvis.json", [entry])


def test_referring_items_are_the_files(lvis: Path) -> None:
    first, second = referring.read_items(lvis, lvis.parent / "coco")
    assert (first.truth, second.truth) == ("dog leg", "sports car")
    assert first.question == "What is the category of <region1>? Using only one word or phrase."
    assert np.array_equal(first.masks()[0], box_mask(5, 10, 15, 30))
    assert np.array_equal(second.masks()[0], box_mask(20, 20, 39, 50))


@pytest.mark.parametrize(
    ("answer", "cleaned"),
    [("A dog.", "A dog "), ("region1: cat, black: yes", " cat  black"), ("  dog ", "dog"), ("", "")],
)
def test_answers_are_cleaned_as_released(answer: str, cleaned: str) -> None:
    assert referring.cleaned_answer(answer) == cleaned


@pytest.mark.parametrize(
    ("answer", "truth", "overlap"),
    [("a dog", "dog", 1 / 2), ("Dog Leg", "dog leg", 1), ("cat", "dog", 0), ("", "dog", 0), ("", "", 0)],
)
def test_semantic_iou_counts_words(answer: str, truth: str, overlap: float) -> None:
    assert referring.word_overlap(answer, truth) == overlap


def test_referring_scores_by_hand(lvis: Path) -> None:
    items = referring.read_items(lvis, lvis.parent / "coco")
    outcome = referring.measure(items, {items[0].key: "dog leg.", items[1].key: "tree"}, word_encoder)
    # "dog leg" is itself; "tree" and "sports car" share the common axis alone: 0.1² over the lengths √1.01 each.
    assert outcome.scores["SS"].value == pytest.approx(100 * (1 + 0.01 / 1.01) / 2)
    assert outcome.scores["S-IoU"].value == 50
    assert outcome.scores["SS"].count == 2
    without = referring.measure(items, {item.key: "x" for item in items}, None)
    assert list(without.scores) == ["S-IoU"]
    assert "--sentence-encoder" in without.notes[0]


# --- POPE


@pytest.mark.parametrize(
    ("answer", "yes"),
    [
        ("yes, there is a dog.", True),
        ("no, there is not. yes.", False),
        ("there is not a dog", False),
        ("I see one. no doubt", True),
        ("nothing", True),
        ("No", False),
    ],
)
def test_popes_rule_for_yes(answer: str, yes: bool) -> None:
    assert pope.says_yes(answer) is yes


def test_pope_by_hand(tmp_path: Path) -> None:
    picture(tmp_path / "000000000009.jpg")
    lines = [
        {
            "question_id": n,
            "image": "COCO_val2014_000000000009.jpg",
            "text": f"Is there a {what} in the image?",
            "label": y,
        }
        for n, (what, y) in enumerate([("dog", "yes"), ("cat", "yes"), ("car", "no"), ("cup", "no")])
    ]
    files = [write_lines(tmp_path / f"coco_pope_{split}.json", lines) for split in ("random", "adversarial")]
    items = pope.read_items(files, tmp_path)
    said = dict(zip([item.key for item in items], ["yes", "no", "yes", "no", "yes", "yes", "no", "no"], strict=True))
    scores = {name: score.value for name, score in pope.measure(items, said).scores.items()}
    assert [scores[f"random {name}"] for name in ("accuracy", "precision", "recall", "F1", "yes")] == [50] * 5
    assert [scores[f"adversarial {name}"] for name in ("accuracy", "precision", "recall", "F1", "yes")] == [
        100, 100, 100, pytest.approx(100), 50,
    ]  # fmt: skip
    write_lines(files[0], [{**lines[0], "label": "perhaps"}])
    with pytest.raises(InputError, match="perhaps"):
        pope.read_items(files, tmp_path)


# --- open-vocabulary segmentation

CAR, ROAD, SKY = 13, 0, 10
"""Places in the vocabulary of Cityscapes."""

LABEL_IDS = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
"""Cityscapes' own ids of its 19 evaluated classes."""


@pytest.fixture
def cityscapes(tmp_path: Path) -> Path:
    """Two pictures of three segments each, in the layout of createPanopticImgs.py."""
    names = load_vocabulary("cityscapes").names
    segments = [
        (26001, 26, box_mask(20, 10, 30, 25)),
        (7, 7, box_mask(30, 0, 40, 60)),
        (23, 23, box_mask(0, 0, 20, 60)),
    ]
    annotations, images = [], []
    for number in range(2):
        stem = f"ulm_00000{number}_000019"
        picture(tmp_path / "leftImg8bit" / "ulm" / f"{stem}_leftImg8bit.png", number)
        ids = np.zeros((40, 60), np.int64)
        for segment, _, mask in segments:
            ids[mask] = segment
        channels = np.stack([ids % 256, ids // 256 % 256, ids // 65536], -1).astype(np.uint8)
        (tmp_path / "maps").mkdir(exist_ok=True)
        Image.fromarray(channels).save(tmp_path / "maps" / f"{stem}_gtFine_panoptic.png")
        images.append({"id": stem, "width": 60, "height": 40, "file_name": f"{stem}_gtFine_leftImg8bit.png"})
        infos = [{"id": s, "category_id": c, "area": int(m.sum()), "iscrowd": 0} for s, c, m in segments]
        annotations.append({"image_id": stem, "file_name": f"{stem}_gtFine_panoptic.png", "segments_info": infos})
    categories = [{"id": number, "name": name, "isthing": 1} for number, name in zip(LABEL_IDS, names, strict=True)]
    return write(tmp_path / "panoptic.json", {"images": images, "annotations": annotations, "categories": categories})


def segments_of(file: Path, question: str = "released", limit: int | None = None) -> list[Any]:
    folder = file.parent
    vocabulary = load_vocabulary("cityscapes")
    return open_segmentation.read_items(file, folder / "maps", folder / "leftImg8bit", vocabulary, question, limit)


def test_every_segment_is_a_prompt_with_its_own_mask(cityscapes: Path) -> None:
    items = segments_of(cityscapes)
    assert [item.truth[1] for item in items] == [CAR, ROAD, SKY] * 2
    assert np.array_equal(items[0].masks()[0], box_mask(20, 10, 30, 25))
    assert items[0].picture.name == "ulm_000000_000019_leftImg8bit.png"
    assert items[0].question == "What is in <region1>? Using a short phrase."
    assert segments_of(cityscapes, "paper", 1)[0].question.startswith("Can you give me a short description of")
    assert len(segments_of(cityscapes, limit=1)) == 3


def test_categories_go_by_name_or_by_the_order_of_their_ids(cityscapes: Path) -> None:
    vocabulary = load_vocabulary("cityscapes")
    strange = [{"id": number, "name": f"class {number}"} for number in reversed(LABEL_IDS)]
    assert open_segmentation.class_places(strange, vocabulary, cityscapes)[26] == CAR
    with pytest.raises(InputError, match="vocabulary cityscapes"):
        open_segmentation.class_places(strange[1:], vocabulary, cityscapes)


def test_scores_are_softmaxed_cosines_of_the_best_synonym() -> None:
    vocabulary = load_vocabulary("cityscapes")
    (row,) = open_segmentation.class_scores(["A dog on the tree."], vocabulary, word_encoder)
    cosines = []
    answer = word_encoder(["A dog on the tree."])[0]
    for entry in vocabulary.classes:
        sentences = [f"There is a {text} in the scene." for text in entry.texts]
        cosines.append(max(float(answer @ word_encoder([sentence])[0]) for sentence in sentences))
    powers = np.exp(cosines)
    assert np.allclose(row, powers / powers.sum(), atol=1e-6)
    assert vocabulary.names[int(row.argmax())] == "vegetation"  # by its synonym


def test_segmentation_by_hand(cityscapes: Path) -> None:
    """In one of two pictures the car is called a person; everything else is right."""
    items = segments_of(cityscapes)
    said = ["car", "road", "sky", "a person", "road", "sky"]
    answers = {item.key: text for item, text in zip(items, said, strict=True)}
    outcome = open_segmentation.measure(items, answers, load_vocabulary("cityscapes"), word_encoder)
    scores = {name: score.value for name, score in outcome.scores.items()}
    # Car: TP 1, FN 1 -> 1 / 1.5; road and sky 1; person: FP 1 -> 0.
    assert scores["PQ"] == pytest.approx(100 * (2 / 3 + 1 + 1 + 0) / 4)
    # Car: half of its pixels; the person is true nowhere.
    assert scores["mIoU"] == pytest.approx(100 * (1 / 2 + 1 + 1) / 3)
    assert 50 <= scores["AP"] <= 100
    assert outcome.scores["PQ"].count == 2
    assert outcome.scores["PQ"].low <= scores["PQ"] <= outcome.scores["PQ"].high


def labelled(truth: int, *scores: float) -> LabelledSegment:
    return LabelledSegment(truth, 1, np.array(scores, np.float32))


def test_ranked_precision_by_hand() -> None:
    """Class 0 is stuff. Of class 1: hit at 0.9, miss (a stretch of stuff) at 0.8, hit at 0.7."""
    pictures = [[labelled(1, 0.0, 0.9)], [labelled(0, 0.1, 0.8), labelled(1, 0.2, 0.7)]]
    assert open_segmentation.ranked_precision(pictures, [1]) == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)


def test_only_a_pictures_best_hundred_pairs_are_detections() -> None:
    segments = [labelled(1, 1.0, 0.5 - place / 1000) for place in range(100)] + [labelled(1, 0.0, 0.4)]
    # The hundred pairs of class 0 fill all places, so that of class 1 nothing is found.
    assert open_segmentation.ranked_precision([segments], [1]) == 0
    # Without the first, one pair of class 1 is left: recall 1/100 at precision 1, at the recalls 0 and 0.01.
    assert open_segmentation.ranked_precision([segments[1:]], [1]) == pytest.approx(2 / 101)


def test_resampling_groups_by_hand() -> None:
    score = resampled([1.0, 1.0, 1.0], lambda values: sum(values) / len(values))
    assert (score.value, score.low, score.high, score.count) == (1, 1, 1, 3)
    spread = resampled([0.0, 1.0] * 20, lambda values: sum(values) / len(values))
    assert 0.3 < spread.low < 0.5 < spread.high < 0.7


# --- object hallucination


@pytest.fixture
def instances(tmp_path: Path) -> Path:
    """A picture of a dog and two donuts, and one without anything, in COCO's layout."""
    categories = [{"id": 18, "name": "dog"}, {"id": 60, "name": "donut"}, {"id": 3, "name": "car"}]
    annotations = [{"id": n, "image_id": 1, "category_id": c} for n, c in enumerate([18, 60, 60])]
    images = [{"id": n, "file_name": picture(tmp_path / f"{n}.jpg", n).name} for n in (1, 2)]
    return write(tmp_path / "instances.json", {"images": images, "annotations": annotations, "categories": categories})


def test_mentions_are_found_in_one_and_many_words() -> None:
    text = "Two people with hot dogs and doughnuts; a Dog\nbetween benches, knives and a cart."
    assert hallucination.mentioned(text) == ["person", "hot dog", "donut", "dog", "bench", "knife"]
    assert hallucination.mentioned("hotdog stands") == []


def test_hallucination_by_length_by_hand(instances: Path) -> None:
    first, second = hallucination.read_items(instances, instances.parent)
    assert (first.truth, second.truth) == ({"dog", "donut"}, set())
    filling = "one two three four five six seven eight nine"
    answers = {first.key: f"Dogs {filling} donuts and cars.", second.key: "Nothing is there."}
    scores = {name: score.value for name, score in hallucination.measure([first, second], answers).scores.items()}
    assert (scores["CHAIR_i, first 10 words"], scores["CHAIR_s, first 10 words"]) == (0, 0)
    assert scores["CHAIR_i, whole"] == pytest.approx(100 / 3)  # of dogs, donuts and cars, the cars are not there
    assert scores["CHAIR_s, whole"] == 50


def test_hallucination_runs(instances: Path, tmp_path: Path) -> None:
    common = ("--pictures", instances.parent, "--out", tmp_path / "out", "--max-new-tokens", 4)
    assert run("hallucination", "--data", instances, *common) == 0
    assert json.loads((tmp_path / "out" / "results.json").read_text())["scores"]["CHAIR_s, whole"]["count"] == 2


# --- the sentence encoder's seam


def test_an_encoder_is_read_from_a_folder_or_by_its_hub_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    words = {word: place for place, word in enumerate(["[PAD]", "[UNK]", "a", "dog", "cat"])}
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
    )
    save_file(BertModel(config, add_pooling_layer=False).state_dict(), tmp_path / "model.safetensors")
    config.to_json_file(tmp_path / "config.json")
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    encode = load_sentence_encoder(tmp_path)
    assert encode is not None
    vectors = encode(["a dog", "a cat", "a dog"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert np.allclose(vectors[0], vectors[2], atol=1e-6)
    assert not np.allclose(vectors[0], vectors[1], atol=1e-3)
    fetched: list[str] = []

    def fetch(repository: str, file: str) -> Path:
        fetched.append(f"{repository} {file}")
        return tmp_path / file

    monkeypatch.setattr(hub, "fetch_file", fetch)
    of_hub = load_sentence_encoder("somebody/encoder")
    assert of_hub is not None
    assert np.array_equal(of_hub(["a cat"]), encode(["a cat"]))
    assert fetched[0] == "somebody/encoder config.json"


# --- the command


def run(name: str, *arguments: Any) -> int:
    words = [name, "tiny", *arguments]
    return command.main(name, [str(word) for word in words[1:]], lambda model, device: tiny_osprey())


def test_a_benchmark_runs_resumes_and_writes_its_table(
    lvis: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out"
    arguments = ("--data", lvis, "--pictures", lvis.parent / "coco", "--out", out, "--max-new-tokens", 5)
    with caplog.at_level("INFO"):
        assert run("lvis", *arguments) == 0
    found = json.loads((out / "results.json").read_text())
    assert (found["items"], found["model"], found["scores"]["S-IoU"]["count"]) == (2, "tiny", 2)
    assert found["published"]["Osprey-7B"] == {"SS": 65.24, "S-IoU": 38.19}
    assert found["asked_as"]["intro"].startswith("<image>\nThis provides")
    table = (out / "table.md").read_text()
    assert "| Osprey-7B |" in table
    assert "**tiny** (2 items)" in table
    answers = (out / "answers.jsonl").read_text()
    assert run("lvis", *arguments) == 0
    assert (out / "answers.jsonl").read_text() == answers
    assert run("lvis", *arguments, "--temperature", 0) == 2
    assert "other settings" in caplog.text


def test_segmentation_and_pope_run(cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "load_sentence_encoder", lambda name: word_encoder)
    common = ("--out", tmp_path / "out", "--max-new-tokens", 4)
    folder = cityscapes.parent
    pictures = ("--pictures", folder / "leftImg8bit", "--maps", folder / "maps")
    assert run("cityscapes", "--data", cityscapes, *pictures, *common) == 0
    assert set(json.loads((tmp_path / "out" / "results.json").read_text())["scores"]) == {"PQ", "AP", "mIoU"}
    picture(tmp_path / "9.jpg")
    file = write_lines(tmp_path / "coco_pope_random.json", [{"image": "9.jpg", "text": "Is it?", "label": "no"}])
    others = ("--out", tmp_path / "pope", "--max-new-tokens", 4, "--pictures", tmp_path)
    assert run("pope", "--data", file, *others) == 0
    assert json.loads((tmp_path / "pope" / "results.json").read_text())["scores"]["random accuracy"]["count"] == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(("--limit", 0), "at least 1"), (("--data", "nowhere.json"), "There is no file “nowhere.json”")],
)
def test_what_is_wrong_is_told_in_a_sentence(
    lvis: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, arguments: tuple[Any, ...], sentence: str
) -> None:
    common = ("--data", lvis, "--pictures", lvis.parent / "coco", "--out", tmp_path / "out")
    assert run("lvis", *common, *arguments) == 2
    assert sentence in caplog.text


def test_published_rows_are_as_long_as_their_columns() -> None:
    for name in command.BENCHMARKS:
        table = published(name)
        assert table["rows"] or name == "hallucination", name
        assert all(len(row) == len(table["columns"]) for row in table["rows"].values())
