"""The handler for Inference Endpoints: as they load it from a pushed repository, and what it refuses."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osprey_core.errors import InputError
from osprey_core.hub.handler import EndpointHandler
from osprey_core.hub.repository import repository_files
from osprey_core.io.pictures import read_picture
from osprey_core.regions.raster import polygon_to_mask
from osprey_core.regions.rle import encode_rle
from osprey_core.runtime.hub import EMBEDDED_FOLDER
from tests import fakes
from tests.tiny import tiny_osprey

ROOT = Path(__file__).parents[3]
CAT = ROOT / "examples" / "04-cat.jpg"

PROGRAM = """
import importlib.util, json, sys
class Hidden:  # what the endpoint does not install
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {hidden!r}:
            raise ImportError(name)
sys.meta_path.insert(0, Hidden())
folder = sys.argv[1]
spec = importlib.util.spec_from_file_location("handler", folder + "/handler.py")
sys.path.insert(0, folder)
handler = importlib.util.module_from_spec(spec)
sys.modules["handler"] = handler
spec.loader.exec_module(handler)
answer = handler.EndpointHandler(folder)(json.load(sys.stdin))
import osprey_core
assert osprey_core.__file__.startswith(folder), osprey_core.__file__
print(json.dumps(answer))
"""
NOT_INSTALLED = ["gradio", "demo", "open_clip", "pycocotools", "segment_anything", "prometheus_client", "peft"]


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.slow
def test_a_pushed_repository_answers_by_itself(tmp_path: Path) -> None:
    """Loaded as Hugging Face's toolkit does, in a process that knows only the repository and its requirements."""
    for name, content in repository_files(EMBEDDED_FOLDER, "owner/nano").items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            shutil.copyfile(content, path)
    width, height = read_picture(CAT.read_bytes()).size
    region = {"box": [width // 8, height // 8, width - width // 8, height]}
    data = {"inputs": {"image": encoded(CAT.read_bytes()), "regions": [region], "style": "category"}}
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM.format(hidden=NOT_INSTALLED), str(tmp_path)],
        cwd=tmp_path,
        input=json.dumps(data),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"captions": ["cat"]}


@pytest.fixture(scope="module")
def handler(tmp_path_factory: pytest.TempPathFactory) -> EndpointHandler:
    folder = tmp_path_factory.mktemp("model")
    tiny_osprey().save(folder)
    return EndpointHandler(folder)


@pytest.fixture(scope="module")
def picture() -> str:
    buffer = io.BytesIO()
    fakes.picture().save(buffer, "PNG")
    return encoded(buffer.getvalue())


def asked(picture: Any, parameters: dict[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
    return {"inputs": {"image": picture, **inputs}, "parameters": parameters or {"max_new_tokens": 6}}


def test_every_form_of_a_region_reaches_the_model(handler: EndpointHandler, picture: str) -> None:
    triangle = [[40, 50], [120, 50], [120, 150]]
    box = np.zeros((270, 360), bool)
    box[50:150, 40:120] = True
    masks = [fakes.shape("blue"), box, polygon_to_mask(triangle, (270, 360))]
    regions = [{"rle": encode_rle(masks[0])}, {"box": [40, 50, 120, 150]}, {"polygon": triangle}]
    view = handler.model.open(fakes.picture())
    expected = dict(view.describe(masks, "detailed", max_new_tokens=6))
    told = handler(asked(f"data:image/png;base64,{picture}", regions=regions, style="detailed"))
    assert told == {"captions": [expected[place] for place in range(3)]}
    question = "What is <region2> beside <region1>?"
    settings: dict[str, Any] = {"temperature": 0.8, "seed": 3, "max_new_tokens": 6}
    told = handler(asked(picture, settings, regions=regions, question=question))
    assert told["answer"] == view.ask(question, masks, **settings).strip()
    assert told["finish_reason"] in ("eos", "length", "stop_string")
    # A picture that the endpoint has decoded already.
    assert handler(asked(fakes.picture(), settings, regions=regions, question=question)) == told


@pytest.mark.parametrize(
    ("inputs", "parameters", "sentence"),
    [
        ({}, {}, "Give a question, or regions"),
        ({"regions": [{}]}, {}, "Region 1 needs exactly one of rle, box and polygon"),
        ({"regions": [{"box": [0, 0, 9, 9], "polygon": [[0, 0], [9, 0], [9, 9]]}]}, {}, "Region 1 needs exactly one"),
        ({"regions": [{"box": [0, 0, 9]}]}, {}, "at inputs.regions.0.box"),
        ({"regions": [{"bbox": [0, 0, 9, 9]}]}, {}, "at inputs.regions.0.bbox"),
        ({"image": "no picture!"}, {}, "no base 64"),
        ({"image": encoded(b"no picture")}, {}, "picture"),
        ({"question": "What?"}, {"temperature": 9}, "emperature"),
        ({"question": "What is <region2>?", "regions": [{"box": [0, 0, 9, 9]}]}, {}, "2"),
        ({"question": "What?", "regions": [{"box": [5, 5, 5, 5]}]}, {}, "empty"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    handler: EndpointHandler, picture: str, inputs: dict[str, Any], parameters: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError) as caught:
        handler({"inputs": {"image": picture, **inputs}, "parameters": parameters})
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_anything_else_is_refused(handler: EndpointHandler) -> None:
    wrong: list[Any] = [{}, {"inputs": "text"}, {"inputs": None}, [], {"inputs": {"image": 5}}]
    for data in wrong:
        with pytest.raises(InputError, match="not as it should be"):
            handler(data)
