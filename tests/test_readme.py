"""README tells the truth: a valid Space header, files that exist, a snippet that runs, options as they are."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from osprey_core.runtime import hub

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

SPACE_COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}

needs_nano = pytest.mark.skipif(
    not (hub.EMBEDDED_FOLDER / "model.safetensors").is_file(), reason="the embedded model's weights are not here"
)


def header() -> dict[str, object]:
    return yaml.safe_load(README.split("---")[1])


def test_the_header_is_a_valid_gradio_space() -> None:
    space = header()
    assert space["sdk"] == "gradio"
    assert space["colorFrom"] in SPACE_COLOURS
    assert space["colorTo"] in SPACE_COLOURS
    assert (ROOT / str(space["app_file"])).is_file()
    assert len(str(space["short_description"])) <= 60
    wanted = re.search(r"^gradio\[mcp\]>=([\d.]+),<(\d+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert wanted
    lowest, below = [int(n) for n in wanted[1].split(".")], int(wanted[2])
    version = [int(n) for n in str(space["sdk_version"]).split(".")]
    assert lowest <= version[: len(lowest)]
    assert version[0] < below


def test_every_linked_and_listed_file_exists() -> None:
    links = [target for target in re.findall(r"\]\(([^)\s]+)\)", README) if "://" not in target]
    tree = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert tree
    listed, folder = [], Path()
    for line in tree[1].splitlines():
        names = re.match(r"( *)((?:[\w./]+ )*[\w./]+)(?: {2,}|$)", line)
        assert names, line
        for name in names[2].split():
            path = (folder / name) if names[1] else Path(name)
            listed.append(str(path))
        if not names[1] and names[2].endswith("/"):
            folder = Path(names[2])
    assert len(listed) > 12
    assert [path for path in links + listed if not (ROOT / path).exists()] == []


def test_both_commands_use_the_files_that_are_there() -> None:
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    for command in commands:
        requirements = re.search(r"-r (\S+)", command)
        assert requirements
        assert (ROOT / requirements[1]).is_file()
    assert commands[0].endswith("python app.py")
    assert commands[1].endswith("python -m pytest")
    assert "python -m pytest" in (ROOT / ".ci/run").read_text()


def test_the_options_are_those_of_the_program() -> None:
    source = (ROOT / "demo/options.py").read_text(encoding="utf-8")
    documented = set(re.findall(r"`(--[a-z]+)`", README.split("## Options")[1].split("##")[0]))
    variables = set(re.findall(r"`(OSPREY_[A-Z]+)`", README))
    assert documented
    assert {name for name in documented if f'"{name}"' not in source} == set()
    assert {name for name in variables if name not in source} == set()


@needs_nano
def test_the_library_snippet_runs(capsys: pytest.CaptureFixture[str]) -> None:
    snippet = re.search(r"## As a library\n\n```python\n(.*?)```", README, re.DOTALL)
    assert snippet
    example = next(iter(sorted((ROOT / "examples").glob("*.png"))))
    image = Image.open(example).convert("RGB")
    mask = np.zeros((image.height, image.width), dtype=bool)
    mask[100:300, 100:300] = True
    scope = {"image": image, "mask": mask, "other": ~mask}
    exec(snippet[1], scope)  # the snippet is ours
    assert capsys.readouterr().out.strip()
    captions = scope["captions"]
    assert isinstance(captions, list)
    assert len(captions) == 2
    assert all(captions)
