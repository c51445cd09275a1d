"""House rules that a reader relies on, checked by reading the sources: imports point down, one file downloads."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = [
    {"errors", "config", "i18n"},
    {"regions", "cache", "vocabularies"},
    {"draw", "language"},
    {"io"},
    {"model", "preprocess"},
    {"runtime", "segment"},
    {"region_model"},
    {"survey"},
    {"counting"},
    {"picture_segments"},
    {"engine", "view"},
    {"analysis"},
    {"backends", "serving"},
    {"training", "evaluation", "datagen", "cli", "convert", "hub", "__main__"},
]
"""osprey_core's rooms, lowest floor first. A room may import its own floor and the floors below."""

PAGE_FLOORS = [
    {"i18n"},
    {"shared"},
    {"session"},
    {"jobs"},
    {"canvas", "chat", "everything", "analysis", "find", "header", "keeping"},
    {"api"},
    {"serving_options"},
    {"options", "theme", "temporary_folder"},
    {"app", "launch", "ray_ingress"},
]
"""demo's rooms, lowest floor first. A room may import the floors below, but no other room of its own floor."""


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path, with_types: bool = True) -> Iterator[str]:
    """Absolute names of the modules that a file imports, whether at its top or later.

    with_types: also those under `if TYPE_CHECKING:`.
    """
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING") and not with_types
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield stem
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def floor_of(module: str) -> int | None:
    return next((height for height, modules in enumerate(FLOORS) if module in modules), None)


def core_modules(names: Iterator[str]) -> set[str]:
    parts = (name.split(".") for name in names)
    return {p[1] for p in parts if p[0] == "osprey_core" and len(p) > 1 and floor_of(p[1]) is not None}


def test_every_core_module_has_a_floor() -> None:
    modules = {p.stem if p.is_file() else p.name for p in (ROOT / "osprey_core").iterdir() if p.suffix in ("", ".py")}
    modules -= {"__init__", "__pycache__", "nano"}
    assert {module for module in modules if floor_of(module) is None} == set()


@pytest.mark.parametrize("path", sources("osprey_core"), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    inside = path.relative_to(ROOT / "osprey_core").parts
    own = Path(inside[0]).stem
    names = list(imported(path))
    assert not [name for name in names if name.split(".")[0] in ("gradio", "demo", "app")]
    if own == "__init__":
        return
    height = floor_of(own)
    assert height is not None
    above = [module for module in core_modules(iter(names)) if (floor_of(module) or 0) > height]
    assert above == [], f"{path.name} imports upwards"


def page_room(path: Path) -> str:
    return Path(path.relative_to(ROOT / "demo").parts[0]).stem


def page_floor(room: str) -> int:
    return next(height for height, rooms in enumerate(PAGE_FLOORS) if room in rooms)


@pytest.mark.parametrize("path", sources("demo"), ids=lambda p: str(p.relative_to(ROOT)))
def test_rooms_of_the_page_import_no_neighbour(path: Path) -> None:
    own = page_room(path)
    if own == "__init__":
        return
    names = [name.split(".") for name in imported(path)]
    others = {parts[1] for parts in names if parts[0] == "demo" and len(parts) > 1} - {own}
    wrong = {room for room in others if page_floor(room) >= page_floor(own)}
    assert wrong == set(), f"{path.name} imports rooms that are not below its own"


@pytest.mark.parametrize("path", sources("demo") + sources("osprey_core"), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_imports_what_is_private_to_another(path: Path) -> None:
    names = [name.rpartition(".")[2] for name in imported(path) if name.split(".")[0] in ("demo", "osprey_core")]
    assert [name for name in names if name.startswith("_") and not name.startswith("__")] == []


def test_only_what_is_shown_knows_gradio() -> None:
    for room in ("session", "jobs"):
        for path in sources(f"demo/{room}"):
            assert "gradio" not in {name.split(".")[0] for name in imported(path)}, path.name


def test_the_hub_is_reached_from_one_file() -> None:
    users = [
        p
        for p in sources("osprey_core") + sources("demo") + [ROOT / "app.py"]
        if "huggingface_hub" in {name.split(".")[0] for name in imported(p)}
    ]
    assert [str(p.relative_to(ROOT)) for p in users] == ["osprey_core/runtime/hub.py"]


def test_the_network_knows_neither_files_nor_tokenizers() -> None:
    forbidden = {"pathlib", "os", "tokenizers", "safetensors", "huggingface_hub", "json"}
    for path in sources("osprey_core/model"):
        assert not forbidden & {name.split(".")[0] for name in imported(path)}, path.name


def test_the_page_never_touches_tensors() -> None:
    for path in [*sources("demo"), ROOT / "app.py"]:
        assert not {"torch", "timm", "transformers"} & {name.split(".")[0] for name in imported(path)}, path.name


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_between(folders: tuple[str, ...]) -> dict[str, set[str]]:
    """Of every module, those of ours that it imports, at its top or later; what only type checkers read counts not."""
    paths = {module_of(path): path for folder in folders for path in sources(folder)} | {"app": ROOT / "app.py"}
    graph: dict[str, set[str]] = {}
    for module, path in paths.items():
        named: set[str] = set()
        for name in imported(path, with_types=False):
            # `from a.b import c` names a.b and a.b.c: the module itself where it is one, else the package.
            named.add(name if name in paths else name.rpartition(".")[0])
        # A package's __init__ is imported on the way to its modules; that is Python's doing, no circle.
        graph[module] = {
            name for name in named if name in paths and name != module and not module.startswith(f"{name}.")
        }
    return graph


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one circle, in their order; empty if there is none."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for other in sorted(graph[module]):
            if circle := walk(other, [*way, module]):
                return circle
        done.add(module)
        return []

    return next((circle for module in sorted(graph) if (circle := walk(module, []))), [])


def test_no_import_circle_anywhere() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle_in(imports_between(("osprey_core", "demo", "benchmarks"))) == []


def test_importing_the_package_is_cheap() -> None:
    """Options, masks and errors must not pay for torch; the page shows before the model's libraries are in."""
    program = (
        "import sys, osprey_core, osprey_core.regions.masks, osprey_core.runtime.hub; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_nothing_large_and_no_pickles_are_kept() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    assert not [p for p in paths if p.suffix in (".pkl", ".pt", ".pth", ".bin", ".ckpt")]
    assert not [p for p in paths if p.stat().st_size > 2**20 and p.suffix != ".safetensors"]
    assert sum(p.stat().st_size for p in paths if p.suffix == ".safetensors") <= 45e6
    assert not [p for p in paths if p.parent.name == "examples" and p.stat().st_size > 300_000]
