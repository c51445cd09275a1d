"""A model goes to a stand-in Hub as one commit, in the layout that the hub library's own mixin reads."""

from __future__ import annotations

import ast
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard, PyTorchModelHubMixin, constants
from huggingface_hub.utils import _http
from torch import nn

from osprey_core import Osprey
from osprey_core.config import OspreyConfig
from osprey_core.errors import InputError
from osprey_core.hub.__main__ import main
from osprey_core.hub.repository import parameter_count, repository_files
from osprey_core.model import build_network
from osprey_core.runtime.hub import EMBEDDED_FOLDER
from tests.osprey_core.hub.stand_in import COMMIT, DROPPED, UploadHub
from tests.tiny import tiny_osprey

ROOT = Path(__file__).parents[3]
REPO = "owner/model"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in our own layout."""
    folder = tmp_path_factory.mktemp("model")
    tiny_osprey().save(folder)
    return folder


def written(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_what_is_pushed_is_read_back_by_us_and_by_the_hub_librarys_mixin(folder: Path, tmp_path: Path) -> None:
    """As people call it: a program of its own, the Hub's address and the token in the environment."""
    with UploadHub() as hub:
        environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_TOKEN": hub.token, "HF_HUB_DISABLE_XET": "1"}
        environment["HF_HUB_OFFLINE"] = "0"
        command = [sys.executable, "-m", "osprey_core.hub", "push", str(folder), REPO, "--no-handler"]
        command += ["--license", "apache-2.0", "--private", "--branch", "next", "--message", "First weights"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"/{REPO}/commit/{COMMIT}" in done.stderr
    assert (hub.created[0]["name"], hub.created[0]["organization"]) == ("model", "owner")
    assert "private" in hub.created[0].values() or hub.created[0].get("private") is True
    assert (hub.branches, hub.commits) == (["next"], [("next", "First weights")])
    assert set(hub.files) == {"config.json", "model.safetensors", "tokenizer.json", "README.md"}

    copy = written(hub.files, tmp_path / "copy")
    card = ModelCard.load(copy / "README.md")
    assert (card.data.license, card.data.pipeline_tag, card.data.library_name) == (
        "apache-2.0", "image-text-to-text", "osprey-core",
    )  # fmt: skip
    assert {"osprey", "pytorch_model_hub_mixin"} <= set(card.data.tags)

    class Hubbed(nn.Module, PyTorchModelHubMixin):
        """Any model that is made from config.json's entries, as the mixin makes it."""

        def __init__(self, **config: Any) -> None:
            super().__init__()
            for name, part in build_network(OspreyConfig.from_dict(config)).named_children():
                setattr(self, name, part)

    theirs, ours = Hubbed.from_pretrained(copy, strict=True), Osprey.from_pretrained(str(copy), device="cpu")
    expected = tiny_osprey().network.state_dict()
    for state in (theirs.state_dict(), ours.network.state_dict()):
        assert set(state) == set(expected)
        assert all((state[name] == tensor).all() for name, tensor in expected.items())


# --- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub library's pauses between its tries are not made."""
    monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)


def pushed(
    hub: UploadHub, folder: Path, monkeypatch: pytest.MonkeyPatch, token: str | None = None, private: bool = False
) -> int:
    monkeypatch.setattr(constants, "ENDPOINT", hub.address)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", token or hub.token)
    return main(["push", str(folder), REPO, "--no-handler", *(["--private"] if private else [])])


@pytest.mark.parametrize(
    ("where", "status", "sentence"),
    [
        ("repos/create", 401, "log in with `hf auth login`"),
        ("repos/create", 404, "finds nobody who could own owner/model"),
        ("/commit/", 403, "does not let this login write to owner/model"),
        ("/commit/", 409, "owner/model was changed by somebody else"),
        ("/commit/", 412, "owner/model was changed by somebody else"),
        ("/commit/", 500, "a fault of its own (500)"),
        ("/commit/", 400, "did not take owner/model: The Hub's own words."),
        ("/commit/", DROPPED, "The connection to the Hugging Face Hub broke off"),
        ("/lfs/", DROPPED, "The connection to the Hugging Face Hub broke off"),
        ("/lfs/", 403, "does not let this login write to owner/model"),
        ("/preupload/", 429, "takes no more requests for owner/model"),
    ],
)
@pytest.mark.usefixtures("at_once")
def test_a_refusal_is_one_sentence(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    where: str,
    status: int,
    sentence: str,
) -> None:
    with UploadHub(faults={where: status}) as hub, caplog.at_level(logging.ERROR, "osprey_core"):
        assert pushed(hub, folder, monkeypatch) == 2
    (record,) = [record for record in caplog.records if record.name.startswith("osprey_core")]
    assert sentence in record.message
    assert "\n" not in record.message
    assert hub.files == {}, "no file is visible there"


def test_a_wrong_token_and_a_repository_that_exists(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with UploadHub(exists=True) as hub:
        assert pushed(hub, folder, monkeypatch, token="hf_somebody") == 2
        assert "does not know who you are" in caplog.records[-1].message
        assert pushed(hub, folder, monkeypatch) == 0
    assert len(hub.commits) == 1


def test_a_public_repository_gets_nothing_that_should_be_private(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with UploadHub(exists=True, public=True) as hub:
        assert pushed(hub, folder, monkeypatch, private=True) == 2
        assert "owner/model exists and is public; nothing was sent" in caplog.records[-1].message
        assert (hub.branches, hub.commits, hub.large, hub.files) == ([], [], {}, {})
        hub.public = False
        assert pushed(hub, folder, monkeypatch, private=True) == 0
    assert len(hub.commits) == 1


def test_a_folder_or_name_that_is_none(tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(["push", str(tmp_path / "nowhere"), REPO]) == 2
    assert "There is no folder" in caplog.records[-1].message
    (tmp_path / "config.json").write_text("{}")
    assert main(["push", str(tmp_path), REPO]) == 2
    assert "model.safetensors, tokenizer.json missing" in caplog.records[-1].message
    assert main(["push", str(folder), "a/b/c"]) == 2
    assert "'a/b/c' is not a valid name" in caplog.records[-1].message
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"none")
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    assert main(["push", str(tmp_path), REPO]) == 2
    assert "model.safetensors is damaged" in caplog.records[-1].message


# --- the card --------------------------------------------------------------------------------------------------------


def metadata(card: bytes | Path) -> dict[str, Any]:
    assert isinstance(card, bytes)
    values = yaml.safe_load(card.decode().split("---\n")[1])
    assert isinstance(values, dict)
    return values


def test_a_card_of_its_own_stays_and_gets_what_it_lacks() -> None:
    files = repository_files(EMBEDDED_FOLDER, REPO, with_handler=False)
    own = (EMBEDDED_FOLDER / "README.md").read_text("utf-8")
    card = files["README.md"]
    assert isinstance(card, bytes)
    assert card.decode().endswith(own.split("---\n", 2)[2].lstrip())
    told = metadata(card)
    assert told["license"] == "apache-2.0"
    assert told["pipeline_tag"] == "image-text-to-text"
    assert {"visual-instruction-tuning", "model_hub_mixin"} <= set(told["tags"])
    assert {"photographs.safetensors", "reliability.png"} <= set(files)


def test_a_card_without_one_tells_what_the_files_tell(folder: Path) -> None:
    files = repository_files(folder, "somebody/small-one", with_handler=False)
    card = files["README.md"]
    assert isinstance(card, bytes)
    count = sum(parameter.numel() for parameter in tiny_osprey().network.state_dict().values())
    assert f"| {count:,} |" in card.decode()
    assert 'from_pretrained("somebody/small-one")' in card.decode()
    assert "license" not in metadata(card), "nobody said which"


@pytest.fixture
def copied(tmp_path: Path, folder: Path) -> Path:
    """A model in our own layout, to put further files beside."""
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("card", "sentence"),
    [
        (b"---\n- a\n- list\n---\n\n# Mine\n", "are no YAML"),
        ("# Größe\n".encode("latin-1"), "no UTF-8 text"),
        (b"---\ntags: 5\n---\n", "no list of words"),
        (b"---\ntags: {a: b}\n---\n", "no list of words"),
        (b"---\ntags: [a, {b: c}]\n---\n", "no list of words"),
    ],
)
def test_a_card_that_is_none_is_refused(copied: Path, card: bytes, sentence: str) -> None:
    (copied / "README.md").write_bytes(card)
    with pytest.raises(InputError, match=sentence):
        repository_files(copied, REPO)


def test_weights_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model\.safetensors"):
        parameter_count(tmp_path / "model.safetensors")


def test_pictures_go_along_only_where_the_card_shows_them(copied: Path) -> None:
    shown = {"curve.png", "a plot.jpg", "page.webp", "linked.PNG"}
    for name in shown | {"private.jpg", "plot.jpg", "curve.png.png", "told.png", "elsewhere.png"}:
        (copied / name).write_bytes(b"a picture")
    before = set(repository_files(copied, REPO, with_handler=False))
    assert before == {"config.json", "model.safetensors", "tokenizer.json", "README.md"}, "there is no card yet"
    (copied / "README.md").write_text(
        "# Mine, unlike told.png\n\n![Curve](./curve.png 'so sure')\n![](a%20plot.jpg)\n<img width=5 src='page.webp'>\n"
        "![there](https://example.org/private.jpg) ![up](../private.jpg) ![gone](gone.png) [other][1]\n\n"
        "![far](figures/elsewhere.png) [weights](weights.bin)\n\n[1]: linked.PNG\n"
    )
    assert set(repository_files(copied, REPO, with_handler=False)) - before == shown


def test_what_the_handler_installs_is_what_the_program_installs() -> None:
    files = repository_files(EMBEDDED_FOLDER, REPO)
    assert isinstance(files["requirements.txt"], Path)
    ours = (ROOT / "requirements.txt").read_text().splitlines()
    assert set(files["requirements.txt"].read_text().splitlines()) <= set(ours)
    assert json.loads((EMBEDDED_FOLDER / "config.json").read_text())["photographs"]
    assert "osprey_core/nano/tower.safetensors" in files


def imported_at_once(source: str) -> Iterator[str]:
    """Names of modules of osprey_core, and perhaps of what is in them, that a source imports while it is loaded."""
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting.extend(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def sources_of(module: str) -> Iterator[str]:
    """Paths in our repository of a module and the packages around it; none for a name that is no module of ours."""
    names = module.split(".")
    if names[0] != "osprey_core":
        return
    for end in range(1, len(names) + 1):
        stem = "/".join(names[:end])
        yield from (path for path in (f"{stem}.py", f"{stem}/__init__.py") if (ROOT / path).is_file())


def test_every_source_that_the_handler_imports_is_pushed() -> None:
    files = repository_files(EMBEDDED_FOLDER, REPO)
    waiting, reached = ["handler.py"], {"handler.py"}
    while waiting:
        content = files[waiting.pop()]
        assert isinstance(content, Path)
        needed = {path for module in imported_at_once(content.read_text("utf-8")) for path in sources_of(module)}
        assert needed <= set(files), f"{content.name} imports what is not pushed: {sorted(needed - set(files))}"
        waiting.extend(needed - reached)
        reached |= needed
    assert {"osprey_core/engine.py", "osprey_core/segment/drawings.py"} <= reached
    weights = [name for name in files if name.startswith("osprey_core/segment/") and not name.endswith(".py")]
    assert weights == ["osprey_core/segment/learned.safetensors"]  # the embedded model tells pictures by segments
