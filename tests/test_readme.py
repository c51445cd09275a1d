"""README and docs tell the truth: a valid Space header, files that exist, snippets that run, options as they are."""

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
DOCS = sorted((ROOT / "docs").glob("*.md"))

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


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS], ids=lambda path: path.name)
def test_every_linked_file_exists(path: Path) -> None:
    links = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


def test_every_listed_room_exists() -> None:
    tree = re.search(r"```text\n(.*?)```", (ROOT / "docs/architecture.md").read_text(encoding="utf-8"), re.DOTALL)
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
    assert [path for path in listed if not (ROOT / path).exists()] == []


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
    text = (ROOT / "docs/options.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`(--[a-z-]+)`", text.split("\n## ")[0]))
    variables = set(re.findall(r"`(OSPREY_[A-Z_]+)`", text))
    assert documented
    assert {name for name in documented if f'"{name}"' not in source} == set()
    assert {name for name in variables if name not in source} == set()


@needs_nano
def test_the_library_snippet_runs(capsys: pytest.CaptureFixture[str]) -> None:
    library = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    snippet = re.search(r"## As a library\n\n```python\n(.*?)```", library, re.DOTALL)
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
