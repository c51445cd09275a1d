"""Files of other projects as training samples: masks are those that pycocotools decodes, mistakes are named."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from osprey_core.errors import InputError
from osprey_core.training import store
from osprey_core.training.dialogues import sample
from osprey_core.training.records.coco import MAX_REGIONS, category_names
from osprey_core.training.records.record_files import load_records, read_entries
from osprey_core.training.records.record_source import RecordSource, find_picture

HEIGHT, WIDTH = 40, 60


def compressed() -> dict[str, Any]:
    disk = np.hypot(*np.mgrid[-20:20, -30:30]) < 9.5
    coded = coco_mask.encode(np.asfortranarray(disk.astype(np.uint8)))
    return {"size": [int(v) for v in coded["size"]], "counts": coded["counts"].decode()}


SEGMENTATIONS: list[Any] = [
    [[5.5, 4.0, 30.2, 6.0, 20.0, 33.3]],
    [[1, 1, 9, 1, 9, 9, 1, 9], [40.5, 20, 55, 20, 55, 35.5]],
    {"size": [HEIGHT, WIDTH], "counts": [400, 120, 1880]},
    compressed(),
]


def coco_file() -> dict[str, Any]:
    annotations = [
        {"id": 100 + k, "image_id": 7, "category_id": 1 + k % 2, "segmentation": segmentation, "iscrowd": 0}
        for k, segmentation in enumerate(SEGMENTATIONS)
    ]
    crowd = {"id": 200, "image_id": 7, "category_id": 1, "segmentation": SEGMENTATIONS[2], "iscrowd": 1}
    return {
        "images": [
            {"id": 7, "file_name": "COCO_train2014_000000000007.jpg", "height": HEIGHT, "width": WIDTH},
            {"id": 8, "file_name": "empty.jpg", "height": 5, "width": 5},
        ],
        "annotations": [*annotations, crowd],
        "categories": [{"id": 1, "name": "hot dog"}, {"id": 2, "name": "cat"}],
    }


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_coco_masks_are_those_that_pycocotools_decodes(tmp_path: Path) -> None:
    file = write(tmp_path / "instances.json", coco_file())
    (record,) = load_records(file)
    reference = COCO(str(file))
    expected = [reference.annToMask(a).astype(bool) for a in reference.loadAnns([100, 101, 102, 103])]
    assert len(record.masks) == 4  # the crowd is left out
    assert all((ours == theirs).all() for ours, theirs in zip(record.masks, expected, strict=True))
    assert record.region_names == ("hot dog", "cat", "hot dog", "cat")
    assert [turn.answer for turn in record.turns] == ["hot dog", "cat", "hot dog", "cat"]
    assert all(f"<region{k}>" in turn.question for k, turn in enumerate(record.turns, start=1))


def test_many_regions_make_several_records(tmp_path: Path) -> None:
    content = coco_file()
    content["annotations"] = [{**content["annotations"][0], "id": k} for k in range(2 * MAX_REGIONS + 3)]
    assert [len(record.masks) for record in load_records(write(tmp_path / "many.json", content))] == [20, 20, 3]


def test_lvis_pictures_have_addresses_and_its_names_have_notes(tmp_path: Path) -> None:
    content = coco_file()
    content["images"][0] = {"id": 7, "coco_url": "http://images/val2017/000000000007.jpg", "height": 40, "width": 60}
    content["categories"] = [{"id": 1, "name": "bow_(weapon)"}, {"id": 2, "name": "car:wheel"}]
    (record,) = load_records(write(tmp_path / "lvis.json", content))
    assert record.file_name == "val2017/000000000007.jpg"
    assert record.region_names[:2] == ("bow", "car wheel")
    assert category_names({"categories": [{"id": 1, "name": "(plain)"}]}) == {1: "(plain)"}


def test_captions_of_pictures_are_expressions_of_their_regions(tmp_path: Path) -> None:
    content = coco_file()
    content["images"][0]["caption"] = "left sausage"
    (record,) = load_records(write(tmp_path / "captions.json", content))
    assert {turn.answer for turn in record.turns} == {"left sausage"}


REFERENCES = [
    {"ann_id": 101, "split": "train", "sentences": [{"sent": "cat on the right"}, {"sent": "big cat"}]},
    {"ann_id": 100, "split": "train", "sentences": [{"raw": "Sausage"}]},
    {"ann_id": 102, "split": "val", "sentences": [{"sent": "not for training"}]},
]


@pytest.mark.parametrize("pickled", [True, False])
def test_expressions_are_asked_for_region_by_region(tmp_path: Path, pickled: bool) -> None:
    write(tmp_path / "instances.json", coco_file())
    if pickled:
        file = tmp_path / "refs(unc).p"
        file.write_bytes(pickle.dumps(REFERENCES, protocol=2))
    else:
        file = write(tmp_path / "refs.json", REFERENCES)
    (record,) = load_records(file)
    assert record.region_names == ("cat", "hot dog")
    asked = [(turn.question[turn.question.index("<") :][:9], turn.answer) for turn in record.turns]
    assert asked == [("<region1>", "cat on the right"), ("<region1>", "big cat"), ("<region2>", "Sausage")]
    assert (record.masks[0] == coco_mask_of(SEGMENTATIONS[1])).all()


def coco_mask_of(polygons: list[Any]) -> np.ndarray:
    return coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(polygons, HEIGHT, WIDTH))).astype(bool)


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("run",))


def test_a_pickle_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "refs.p").write_bytes(pickle.dumps([Trap()]))
    with pytest.raises(InputError, match=r"refs\.p is not a pickle of plain values"):
        read_entries(tmp_path / "refs.p")
    assert capsys.readouterr().out == ""


def broken(change: str) -> Any:
    content = coco_file()
    first = content["annotations"][0]
    match change:
        case "no category":
            first["category_id"] = 9
        case "no picture":
            first["image_id"] = 9
        case "images":
            content["images"] = {}
        case "no id":
            del content["images"][0]["id"]
        case "no name":
            content["categories"][0]["name"] = ""
        case "entry":
            content["annotations"][1] = 5
        case "no segmentation":
            del first["segmentation"]
        case "size":
            content["images"][0]["height"] = 41
    return content


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("no category", "annotation 100 is of category 9"),
        ("no picture", "annotation 100 is of picture 9"),
        ("images", "images must be a list"),
        ("no id", "images, entry 0 has no id"),
        ("no name", "categories, id 1: there is no name"),
        ("entry", "annotations, entry 1 is a int"),
        ("no segmentation", "picture 7: region 1 has no segmentation"),
        ("size", "picture 7: region 3"),
    ],
)
def test_broken_coco_files_are_refused_with_file_and_entry(tmp_path: Path, change: str, message: str) -> None:
    file = write(tmp_path / "bad.json", broken(change))
    with pytest.raises(InputError, match=rf"bad\.json[:,] {message}"):
        list(load_records(file))


@pytest.mark.parametrize(
    ("references", "message"),
    [
        ([{"ann_id": 1, "sentences": [{"sent": "a"}]}], "reference 0 is about an annotation"),
        ([{"ann_id": 100, "sentences": []}], "reference 0 has no sentences"),
        ([{"ann_id": 100, "sentences": [{"sent": " "}]}], "reference 0 has an empty sentence"),
    ],
)
def test_broken_references_are_refused_with_file_and_entry(tmp_path: Path, references: Any, message: str) -> None:
    write(tmp_path / "instances.json", coco_file())
    with pytest.raises(InputError, match=rf"refs\.json: {message}"):
        read_entries(write(tmp_path / "refs.json", references))


def test_expressions_need_their_instances(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"instances\.json must lie beside it"):
        read_entries(write(tmp_path / "refs.json", REFERENCES))


def test_pictures_are_found_by_name_and_by_the_name_they_have_now(tmp_path: Path) -> None:
    (tmp_path / "val2017").mkdir()
    for name in ("000000000007.jpg", "val2017/000000000008.jpg", "a.png"):
        (tmp_path / name).touch()
    assert find_picture("COCO_train2014_000000000007.jpg", [tmp_path]) == tmp_path / "000000000007.jpg"
    assert find_picture("val2017/000000000008.jpg", [tmp_path]) == tmp_path / "val2017/000000000008.jpg"
    assert find_picture("somewhere/a.png", [tmp_path / "none", tmp_path]) == tmp_path / "a.png"
    assert find_picture("b.png", [tmp_path]) is None


def test_made_scenes_are_stored_and_read_back_as_samples(tmp_path: Path) -> None:
    made = [sample(seed) for seed in range(5)]
    source = RecordSource.read([store.store_samples(made, tmp_path)])
    read = {tuple(s.dialogue): s for seed in range(5) for s in source(seed)}
    assert len(read) == 5  # each once
    for one in made:
        back = next(s for s in read.values() if [(t.question, t.answer) for t in s.dialogue] == one.turns)
        assert (back.image == one.image).all()
        assert all((a == b).all() for a, b in zip(back.masks, one.masks, strict=True))
        assert list(back.region_names) == one.region_names


def test_every_pass_over_the_records_has_an_order_of_its_own(tmp_path: Path) -> None:
    source = RecordSource.read([store.store_samples(map(sample, range(6)), tmp_path)])
    passes = [[source(seed)[0].dialogue for seed in range(6 * k, 6 * k + 6)] for k in range(3)]
    assert all(set(one) == set(passes[0]) for one in passes)
    assert passes[0] != passes[1] or passes[1] != passes[2]
    rest, held = source.split(2)
    assert len(rest.entries) == 4
    assert not {e.where for e in rest.entries} & {e.where for e in held.entries}
    with pytest.raises(InputError, match="cannot be held out"):
        source.split(6)


def test_missing_and_mismatched_pictures_are_named(tmp_path: Path) -> None:
    file = write(tmp_path / "some.json", coco_file())
    with pytest.raises(
        InputError, match=r"some\.json, picture 7: there is no picture COCO_train2014_000000000007\.jpg"
    ):
        RecordSource.read([file])
    Image.new("RGB", (WIDTH, HEIGHT + 1)).save(tmp_path / "000000000007.jpg")
    with pytest.raises(InputError, match=r"picture 7: its regions are for 60x40 pixels, but .* has 60x41"):
        RecordSource.read([file])
    (tmp_path / "000000000007.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"some\.json, picture 7: "):
        RecordSource.read([file])
    with pytest.raises(InputError, match="no records to train on"):
        RecordSource.read([write(tmp_path / "none.json", [])])


def test_the_store_command_writes_records(tmp_path: Path) -> None:
    assert store.main(["--out", str(tmp_path / "data"), "--count", "2"]) == 0
    assert len(read_entries(tmp_path / "data" / "records.json")) == 2
    assert store.main(["--out", str(tmp_path / "data"), "--count", "0"]) == 2
