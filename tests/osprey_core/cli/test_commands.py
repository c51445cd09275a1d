"""The command line does the page's work: same regions, same answers; and every failure is one sentence and code 2."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from osprey_core.cli.commands import main
from osprey_core.cli.loaders import Loaders, load_segmenter_for
from osprey_core.cli.options import AskOptions, DescribeOptions, Marks, ModelOptions, read_options
from osprey_core.cli.picture_files import PictureFiles
from osprey_core.errors import CheckpointError, InputError
from osprey_core.io.export import read_conversation
from osprey_core.language.prompts import QUESTIONS
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions import masks
from osprey_core.regions.rle import decode_rle
from osprey_core.runtime import hub
from osprey_core.segment.protocol import ScoredMask
from tests.fakes import SHAPES, FakeModel, FakeSegmenter, FakeView, describe_mask, flood_of, picture
from tests.tiny import tiny_osprey

ROOT = Path(__file__).parents[3]
SCENE = np.asarray(picture())


class Finding(FakeSegmenter):
    """Finds the three shapes as everything there is."""

    def open(self, image: np.ndarray) -> Any:
        opened = super().open(image)
        shapes = [flood_of(image, (x0 + x1) // 2, (y0 + y1) // 2) for _, (x0, y0, x1, y1), _ in SHAPES.values()]
        found = sorted((ScoredMask(mask, 0.75) for mask in shapes), key=lambda one: -masks.area(one.mask))
        opened.everything = lambda: found  # type: ignore[method-assign]
        return opened


@dataclasses.dataclass
class TellingView(FakeView):
    """Also answers in one piece, and describes."""

    def ask(self, question: str, regions: Any = (), **settings: Any) -> str:
        return "".join(self.stream(question, regions, **settings))

    def describe(self, regions: Any, style: str = "short", **settings: Any) -> Iterator[tuple[int, str]]:
        for place, mask in reversed(list(enumerate(regions))):
            yield place, self.ask(QUESTIONS[style], [mask], **settings)


class Telling(FakeModel):
    def open(self, image: Any) -> Any:
        self.opened += 1
        return TellingView(self, np.array(image))


@dataclasses.dataclass
class Desk:
    """Runs the command line with fakes; remembers what was said."""

    model: Any = dataclasses.field(default_factory=Telling)
    out: str = ""
    errors: str = ""
    loaded: list[ModelOptions] = dataclasses.field(default_factory=list)

    def __call__(self, *words: object) -> int:
        def load(options: ModelOptions) -> Any:
            self.loaded.append(options)
            return self.model

        out, errors = io.StringIO(), io.StringIO()
        code = main([str(word) for word in words], out, errors, Loaders(load, lambda options: Finding()))
        self.out, self.errors = out.getvalue(), errors.getvalue()
        return code


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    path = tmp_path / "scene.png"
    picture().save(path)
    return path


def shape_mask(name: str) -> np.ndarray:
    x0, y0, x1, y1 = SHAPES[name][1]
    return flood_of(SCENE, (x0 + x1) // 2, (y0 + y1) // 2)


# --- ask -------------------------------------------------------------------------------------------------------------


def test_words_become_options() -> None:
    words = (
        "ask a.png --question hm? --point 1,2 --not-point 3,4.5 --box 0,0,9,9 --region --point 5,6 --point 7,8 "
        "--mask m.json --box 1,1,2,2 --box 3,3,4,4 --model m --segmenter sam:vit_b --temperature 0.5 --seed 3 "
        "--top-p 0.9 --max-new-tokens 7 --device cpu --dtype float32 --revision r --save t.zip"
    )
    assert read_options(words.split()) == AskOptions(
        Path("a.png"),
        "hm?",
        (
            Marks(((1, 2), (3, 4.5)), (1, 0), (0, 0, 9, 9)),
            Marks(((5, 6), (7, 8)), (1, 1)),
            Marks(mask_file=Path("m.json")),
            Marks(box_xyxy=(1, 1, 2, 2)),
            Marks(box_xyxy=(3, 3, 4, 4)),
        ),
        ModelOptions("m", "r", "cpu", "float32", "sam:vit_b"),
        SamplingSettings(0.5, 0.9, 7, 3),
        Path("t.zip"),
    )
    plain = read_options(["ask", "a.png", "--style", "category"])
    assert isinstance(plain, AskOptions)
    assert (plain.question, plain.marks) == (QUESTIONS["category"], ())
    words = "describe d --masks m --out o.json --style detailed --limit 3"
    assert read_options(words.split()) == DescribeOptions(
        Path("d"), Path("o.json"), Path("m"), "detailed", 3, ModelOptions(), SamplingSettings()
    )


def test_the_answer_is_about_the_pixels_that_were_marked(desk: Desk, scene: Path, tmp_path: Path) -> None:
    Image.fromarray(shape_mask("green")).save(tmp_path / "green.png")
    words = ["--point", "60,60", "--region", "--box", "190,50,310,170", "--mask", tmp_path / "green.png"]
    assert desk("ask", scene, "--question", "compare <region1> <region2> <region3>", *words, "--temperature", 0.5) == 0
    (call,) = desk.model.calls
    for given, name in zip(call.regions, ("red", "blue", "green"), strict=True):
        assert np.array_equal(given, shape_mask(name))
    assert np.array_equal(call.image, SCENE)
    assert call.settings == {"temperature": 0.5, "top_p": 1.0, "max_new_tokens": None, "seed": None}
    told = " | ".join(f"region{i}: {describe_mask(SCENE, shape_mask(n))}" for i, n in enumerate(SHAPES, 1))
    assert desk.out == f"compare <region1> <region2> <region3> -> {told}\n"
    assert desk.errors == ""


def test_the_answer_is_written_as_it_comes(scene: Path) -> None:
    seen: list[str] = []

    class Out(io.StringIO):
        def flush(self) -> None:
            seen.append(self.getvalue())

    assert main(["ask", str(scene), "--question", "hm?"], Out(), io.StringIO(), loaders_of(Telling())) == 0
    assert seen[0] == "hm? "
    assert len(seen) > 2


def loaders_of(model: Any) -> Loaders:
    return Loaders(lambda options: model, lambda options: Finding())


def test_the_tiny_model_answers_as_the_library_does(scene: Path) -> None:
    model, out = tiny_osprey(), io.StringIO()
    words = [
        "ask",
        str(scene),
        "--point",
        "60,60",
        "--question",
        "what is <region1>",
        "--temperature",
        "1",
        "--seed",
        "4",
    ]
    assert main(words, out, io.StringIO(), loaders_of(model)) == 0
    answer = model.open(SCENE).ask("what is <region1>", [shape_mask("red")], temperature=1.0, seed=4)
    assert out.getvalue() == answer + "\n"


def test_a_saved_conversation_holds_what_was_asked(desk: Desk, scene: Path, tmp_path: Path) -> None:
    saved = tmp_path / "talk.zip"
    assert desk("ask", scene, "--question", "what is <region1>?", "--point", "60,60", "--seed", 5, "--save", saved) == 0
    made = read_conversation(saved)
    assert made.picture.data == scene.read_bytes()
    assert made.picture.name == "scene.png"
    assert np.array_equal(made.regions[0].mask.mask(), shape_mask("red"))
    assert made.turns[0].answer + "\n" == desk.out
    assert made.turns[0].settings == SamplingSettings(max_new_tokens=1024, seed=5)
    assert (made.model, made.segmenter, made.asked(made.turns[0])) == ("fake", "learned", made.regions)
    assert not list(tmp_path.glob("*.partial"))


def test_a_saved_answer_that_was_drawn_comes_again_from_the_file(scene: Path, tmp_path: Path) -> None:
    model = tiny_osprey()
    saved = tmp_path / "talk.zip"
    words = ["ask", str(scene), "--point", "60,60", "--question", "what is <region1>", "--temperature", "0.9"]
    assert main([*words, "--save", str(saved)], io.StringIO(), io.StringIO(), loaders_of(model)) == 0
    made = read_conversation(saved)
    settings = made.turns[0].settings
    assert settings is not None
    assert settings.seed is not None
    assert settings.max_new_tokens == model.generation_defaults.max_new_tokens
    assert model.open(SCENE).ask(**made.request(0)) == made.turns[0].answer


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "The following arguments are required"),
        ("paint", "Invalid choice"),
        ("ask", "The following arguments are required: IMAGE"),
        ("ask {scene}", "Give either --question or --style"),
        ("ask {scene} --question a --style short", "Give either"),
        ("ask {scene} --question a --point 5", "'5' must be 2 numbers with commas between them"),
        ("ask {scene} --question a --point 5,nan", "must be 2 numbers"),
        ("ask {scene} --question a --box 1,2,3", "must be 4 numbers"),
        ("ask {scene} --question a --region", "Region 1 is not marked"),
        ("ask {scene} --question a --point 1,1 --region --region --box 1,1,9,9", "Region 2 is not marked"),
        ("ask {scene} --question a --max-new-tokens 0", "at least 1"),
        ("ask {scene} --question a --temp 0", "Unrecognized arguments"),
        ("ask {scene} --question a --mask {gone}", "gone.png”; check the path"),
        ("ask {scene} --question a --mask {text}", "no picture or JSON"),
        ("ask {gone} --question a", "There is no file"),
        ("ask {text} --question a", "is not a picture that can be read"),
        ("ask {folder} --question a", "cannot be read"),
        ("ask {scene} --question a --save {folder}/no/t.zip", "cannot be written"),
        ("describe {gone} --everything --out {out}", "There is no picture or folder"),
        ("describe {empty} --everything --out {out}", "There is no picture in the folder"),
        ("describe {scene} --out {out}", "one of the arguments --everything --masks is required"),
        ("describe {scene} --masks {gone} --out {out}", "check --masks"),
        ("describe {scene} --everything --out {text}", "is there already, but not from this command"),
        ("describe {scene} --everything --out {folder}/no/o.json", "cannot be written"),
    ],
)
def test_every_failure_is_one_sentence(desk: Desk, scene: Path, tmp_path: Path, words: str, sentence: str) -> None:
    (tmp_path / "text.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    places = {
        "scene": scene,
        "gone": tmp_path / "gone.png",
        "text": tmp_path / "text.txt",
        "folder": tmp_path,
        "empty": tmp_path / "empty",
        "out": tmp_path / "out.json",
    }
    assert desk(*words.format(**places).split()) == 2
    assert sentence.lower() in desk.errors.lower()
    assert desk.errors.count("\n") == 1
    assert "Traceback" not in desk.errors


@pytest.mark.parametrize(
    "words",
    [
        ("ask", "{scene}", "--question", "a", "--save", ""),
        ("ask", "{scene}", "--question", "a", "--save", "{folder}"),
        ("ask", "", "--question", "a"),
        ("ask", "{scene}", "--question", "a", "--mask", ""),
        ("describe", "{scene}", "--everything", "--out", ""),
        ("describe", "{scene}", "--everything", "--out", "{folder}"),
        ("describe", "", "--everything", "--out", "o.json"),
        ("describe", "{scene}", "--masks", " ", "--out", "o.json"),
    ],
)
def test_a_name_that_is_no_file_is_refused_before_a_model_is_loaded(
    desk: Desk, scene: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert desk(*(word.format(scene=scene, folder=tmp_path) for word in words)) == 2
    assert desk.errors.count("\n") == 1
    assert desk.loaded == []


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp949", "utf-16"])
def test_no_encoding_of_the_output_ends_the_program(encoding: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    for command in (["app.py", "--help"], ["-m", "osprey_core", "describe", "--help"], ["-m", "osprey_core", "ask"]):
        words = [sys.executable, *command]
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, check=False)
        assert done.returncode == (0 if "--help" in command else 2)
        assert b"Traceback" not in done.stderr


def failing(error: BaseException) -> Any:
    class Failing(Telling):
        def open(self, image: Any) -> Any:
            raise error

    return Failing()


def test_failures_of_the_model_are_sentences_too(scene: Path) -> None:
    out_of_memory = type("OutOfMemoryError", (RuntimeError,), {})
    for error, sentence, code in (
        (CheckpointError("The weights do not fit."), "The weights do not fit.", 2),
        (out_of_memory("CUDA out of memory"), "not enough memory", 2),
        (MemoryError(), "not enough memory", 2),
        (KeyboardInterrupt(), "Interrupted", 130),
    ):
        desk = Desk(failing(error))
        assert desk("ask", scene, "--question", "a") == code
        assert sentence in desk.errors
    with pytest.raises(ZeroDivisionError):  # a bug is not hidden
        Desk(failing(ZeroDivisionError()))("ask", scene, "--question", "a")


# --- describe --------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    picture().save(folder / "a.png")
    picture().transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "sub" / "b.jpg", quality=100, subsampling=0)
    picture().save(folder / "c.PNG")
    (folder / "notes.txt").write_text("no picture")
    return folder


def captions(path: Path) -> dict[str, Any]:
    values = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(values, dict)
    return values


def test_everything_in_a_picture_is_described(desk: Desk, scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "captions.json"
    assert desk("describe", scene, "--everything", "--out", out) == 0
    coco = pytest.importorskip("pycocotools.coco").COCO(str(out))
    assert [image["file_name"] for image in coco.dataset["images"]] == ["scene.png"]
    annotations = coco.loadAnns(coco.getAnnIds())
    assert len(annotations) == 3
    for annotation, name in zip(annotations, ("red", "green", "blue"), strict=True):
        mask = coco.annToMask(annotation)
        assert np.array_equal(mask, shape_mask(name))
        assert annotation["caption"] == f"{QUESTIONS['short']} -> region1: {describe_mask(SCENE, shape_mask(name))}"
        assert (annotation["area"], annotation["score"]) == (mask.sum(), 0.75)
    assert "scene.png" in desk.errors, "progress is shown"


def test_a_folder_is_gone_on_with_where_it_was_stopped(desk: Desk, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "captions.json"
    whole = tmp_path / "whole.json"
    words = ["--everything", "--limit", 2, "--style", "category"]
    assert desk("describe", folder, *words, "--out", whole) == 0
    assert [image["file_name"] for image in captions(whole)["images"]] == ["a.png", "c.PNG", "sub/b.jpg"]
    opened = desk.model.opened
    stopping = Desk(StopsAt(3))
    assert stopping("describe", folder, *words, "--out", out) == 130
    assert len(captions(out)["images"]) == 2
    assert desk("describe", folder, *words, "--out", out) == 0
    assert desk.model.opened == opened + 1, "only the last picture was left to do"
    assert captions(out) == captions(whole)
    before = out.stat().st_mtime_ns
    assert desk("describe", folder, *words, "--out", out) == 0
    assert (desk.model.opened, out.stat().st_mtime_ns) == (opened + 1, before)
    assert not list(tmp_path.glob("*.partial"))


class StopsAt(Telling):
    """As if the person pressed Ctrl-C while this picture was looked at."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def open(self, image: Any) -> Any:
        if self.opened + 1 == self.count:
            raise KeyboardInterrupt
        return super().open(image)


def test_other_settings_do_not_mix_into_a_file(desk: Desk, scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "captions.json"
    assert desk("describe", scene, "--everything", "--out", out) == 0
    before = out.read_bytes()
    assert desk("describe", scene, "--everything", "--out", out, "--style", "detailed", "--model", "other") == 2
    assert (
        desk.errors == f"“{out}” was begun with another model and style; use the same again or choose another --out.\n"
    )
    assert out.read_bytes() == before


def test_a_picture_that_cannot_be_read_does_not_stop_the_others(desk: Desk, folder: Path, tmp_path: Path) -> None:
    (folder / "b.png").write_bytes(b"broken")
    out = tmp_path / "captions.json"
    assert desk("describe", folder, "--everything", "--out", out) == 2
    assert len(captions(out)["images"]) == 3
    assert "b.png: The file “b.png” is not a picture" in desk.errors


def test_given_masks_are_described_with_their_names(desk: Desk, folder: Path, tmp_path: Path) -> None:
    given = tmp_path / "masks"
    (given / "sub").mkdir(parents=True)
    Image.fromarray(shape_mask("red")).save(given / "a.png")
    Image.fromarray(shape_mask("green")).save(given / "c.PNG.png")
    shape = {"label": "the blue one", "points": [[60, 60], [160, 160]], "shape_type": "rectangle"}
    (given / "sub" / "b.json").write_text(json.dumps({"shapes": [shape]}))
    out = tmp_path / "captions.json"
    assert desk("describe", folder, "--masks", given, "--out", out) == 0
    found = captions(out)["annotations"]
    assert [masks.area(decode_rle(a["segmentation"])) for a in found] == [
        shape_mask("red").sum(),
        shape_mask("green").sum(),
        100 * 100,
    ]
    assert [a.get("name") for a in found] == [None, None, "the blue one"]
    (given / "a.png").unlink()
    assert desk("describe", folder, "--masks", given, "--out", tmp_path / "other.json") == 2
    assert "a.png: There is no mask file a.json or a.png" in desk.errors


def test_one_coco_file_has_the_masks_of_all_pictures(desk: Desk, folder: Path, tmp_path: Path) -> None:
    first, again = tmp_path / "first.json", tmp_path / "again.json"
    assert desk("describe", folder, "--everything", "--out", first) == 0
    assert desk("describe", folder, "--masks", first, "--out", again) == 0
    for one, other in zip(captions(first)["annotations"], captions(again)["annotations"], strict=True):
        assert [one[key] for key in ("image_id", "segmentation", "caption")] == [
            other[key] for key in ("image_id", "segmentation", "caption")
        ]


CASES = ROOT / "tests" / "data" / "cases" / "folders"
NAMED = "sub dir/ü 사진.png"


def areas_of(path: Path) -> dict[str, list[int]]:
    """The areas of each picture's regions in a file of captions."""
    values = captions(path)
    names = {image["id"]: image["file_name"] for image in values["images"]}
    found: dict[str, list[int]] = {name: [] for name in names.values()}
    for entry in values["annotations"]:
        found[names[entry["image_id"]]].append(entry["area"])
    return found


@pytest.mark.parametrize(
    ("case", "expected", "refused"),
    [
        ("one.json", {"a.png": [2500]}, {"b.png": "is for “a.png” and not for “b.png”", NAMED: "is for “a.png”"}),
        ("noneforb.json", {"a.png": [2500], "b.png": [], NAMED: [2500]}, {}),
        ("win.json", {"a.png": [2500], "b.png": [2500]}, {NAMED: "is not exactly one of them"}),
        ("results.json", {}, dict.fromkeys(("a.png", "b.png", NAMED), "by numbers only")),
        ("lm_a.json", {"a.png": [1250]}, dict.fromkeys(("b.png", NAMED), "is for “a.png”")),
    ],
)
def test_masks_are_laid_on_the_pictures_they_speak_of(
    desk: Desk, tmp_path: Path, case: str, expected: Any, refused: Any
) -> None:
    out = tmp_path / "out.json"
    code = desk("describe", CASES / "photos", "--masks", CASES / case, "--out", out)
    assert code == (2 if refused else 0)
    found = {unicodedata.normalize("NFC", name): areas for name, areas in areas_of(out).items()}
    assert found.keys() == expected.keys()
    for name, areas in expected.items():
        assert found[name] == [pytest.approx(area, abs=50) for area in areas]
    errors = unicodedata.normalize("NFC", desk.errors)
    for name, sentence in refused.items():
        assert re.search(f"{re.escape(name)}: .*{re.escape(sentence)}", errors), errors
    opened = desk.model.opened
    assert opened == sum(1 for areas in expected.values() if areas), "a picture without regions needs no model"
    if not refused:
        assert desk("describe", CASES / "photos", "--masks", CASES / case, "--out", out) == 0
        assert desk.model.opened == opened, "nothing is left to do"


def test_a_picture_of_the_same_name_in_another_folder_is_not_done(desk: Desk, tmp_path: Path) -> None:
    shutil.copytree(CASES, tmp_path / "cases")
    photos, out = tmp_path / "cases" / "photos", tmp_path / "cases" / "out.json"
    masks_file = ["--masks", CASES / "noneforb.json"]
    assert desk("describe", photos / "a.png", *masks_file, "--out", out) == 0
    before = out.read_bytes()
    assert desk("describe", tmp_path / "cases" / "other", *masks_file, "--out", out) == 2
    assert desk.errors == f"“{out}” was begun with another folder; use the same again or choose another --out.\n"
    assert out.read_bytes() == before
    (tmp_path / "cases").rename(tmp_path / "moved")
    out = tmp_path / "moved" / "out.json"
    assert desk("describe", tmp_path / "moved" / "photos", *masks_file, "--out", out) == 0, "moved together"
    assert len(captions(out)["images"]) == 3


@pytest.mark.parametrize(
    ("words", "names", "root"),
    [
        (("{f}/a.png", "{f}/sub/b.jpg"), ["a.png", "sub/b.jpg"], "."),
        (("{f}/sub", "{f}/a.png", "{f}/a.png", "{f}"), ["sub/b.jpg", "a.png", "c.PNG"], "."),
        (("{f}/*.*",), ["a.png", "c.PNG"], "."),
        (("{f}/**/*.jpg",), ["sub/b.jpg"], "."),
        (("{f}/sub/?.jpg",), ["b.jpg"], "sub"),
        (("{f}/s*",), ["sub/b.jpg"], "."),
    ],
)
def test_several_pictures_and_patterns_go_into_one_file(
    folder: Path, words: tuple[str, ...], names: list[str], root: str
) -> None:
    pictures = PictureFiles.of([Path(word.format(f=folder)) for word in words])
    assert list(pictures.names) == names
    assert pictures.root == folder / root
    assert all(pictures.path(name).is_file() for name in names)


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    picture().save(tmp_path / "a[1].png")
    picture().save(tmp_path / "a1.png")
    assert PictureFiles.of([tmp_path / "a[1].png"]).names == ("a[1].png",)
    with pytest.raises(InputError, match="No picture matches"):
        PictureFiles.of([tmp_path / "b*.png"])


def test_describe_takes_several_pictures(desk: Desk, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert desk("describe", folder / "a.png", folder / "c.PNG", "--everything", "--limit", 1, "--out", out) == 0
    assert desk("describe", f"{folder}/*.PNG", folder / "a.png", "--everything", "--limit", 1, "--out", out) == 0
    assert [image["file_name"] for image in captions(out)["images"]] == ["a.png", "c.PNG"]
    assert desk.model.opened == 2


def test_a_limit_takes_the_largest(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    picture_path = CASES / "photos" / "a.png"
    assert desk("describe", picture_path, "--masks", CASES / "limit.json", "--limit", 1, "--out", out) == 0
    assert [(entry["area"], entry["source_id"]) for entry in captions(out)["annotations"]] == [(15000, 102)]
    assert desk("describe", picture_path, "--masks", CASES / "limit.json", "--out", tmp_path / "all.json") == 0
    assert [entry["source_id"] for entry in captions(tmp_path / "all.json")["annotations"]] == [101, 102]


def test_masks_may_lie_beside_the_pictures_in_any_unicode_form(desk: Desk, tmp_path: Path) -> None:
    folder, given = tmp_path / "photos", tmp_path / "masks"
    folder.mkdir()
    given.mkdir()
    picture().save(folder / unicodedata.normalize("NFC", "é.png"))
    Image.fromarray(shape_mask("red")).save(given / unicodedata.normalize("NFD", "é.png"))
    assert desk("describe", folder, "--masks", given, "--out", tmp_path / "out.json") == 0
    assert list(areas_of(tmp_path / "out.json").values()) == [[shape_mask("red").sum()]]
    assert desk("describe", folder, "--masks", folder, "--out", tmp_path / "own.json") == 2
    assert "There is no mask file" in desk.errors, "a picture is not its own mask"


def test_regions_are_mentioned_by_their_numbers(desk: Desk, scene: Path, tmp_path: Path) -> None:
    marks = ["--point", "60,60", "--region", "--box", "190,50,310,170"]
    assert desk("ask", scene, "--question", "is @2 like @1, me@2nd.org?", *marks) == 0
    (call,) = desk.model.calls
    assert call.question == "is <region2> like <region1>, me@2nd.org?"
    for question in ("what is @9?", "what is <region9>?", "@0"):
        assert desk("ask", scene, "--question", question, *marks) == 2
        assert "but 2 are marked" in desk.errors
    assert len(desk.loaded) == 1, "no model is loaded for a question that cannot be asked"


def test_what_is_left_out_of_a_mask_file_is_told(desk: Desk, scene: Path, tmp_path: Path) -> None:
    square = [60, 60, 160, 60, 160, 160, 60, 160]
    (tmp_path / "m.json").write_text(json.dumps([{"segmentation": [square, [5, 5]]}, {"segmentation": []}]))
    assert desk("ask", scene, "--question", "what is @1?", "--mask", tmp_path / "m.json") == 0
    assert desk.errors.splitlines()[0].startswith("Left out of the mask file: 1. The first: Mask 2")
    assert desk.errors.splitlines()[1] == "Parts of masks left out because they are no polygon: 1."
    assert len(desk.model.calls[0].regions) == 1


def test_without_the_flag_of_a_kind_of_region_the_page_s_segmenter_is_loaded() -> None:
    assert load_segmenter_for(ModelOptions()).name == "learned"
    with pytest.raises(InputError, match="no segmenter 'sam:huge'"):
        load_segmenter_for(ModelOptions(segmenter="sam:huge", device="cpu"))


@pytest.mark.slow
@pytest.mark.skipif(
    not (hub.EMBEDDED_FOLDER / "model.safetensors").is_file(), reason="the embedded model's weights are not here"
)
def test_the_real_program_answers_with_the_embedded_model(tmp_path: Path) -> None:
    scene = sorted((ROOT / "examples").glob("*.png"))[0]

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "osprey_core", *map(str, words)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)

    answer = run("ask", scene, "--point", "374,494", "--question", "What is <region1>?", "--device", "cpu")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.strip()
    out = tmp_path / "captions.json"
    done = run("describe", scene, "--everything", "--limit", 2, "--out", out, "--device", "cpu")
    assert (done.returncode, done.stdout) == (0, "")
    assert all(entry["caption"] for entry in captions(out)["annotations"])
    bad = run("ask", tmp_path / "gone.png", "--question", "a")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr == f"There is no file “{tmp_path / 'gone.png'}”; check the path.\n"
