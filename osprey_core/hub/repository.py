"""The files of a model's repository on the Hub, in PyTorchModelHubMixin's layout: config.json, model.safetensors, card.

With the handler for Inference Endpoints come the sources of osprey_core that it imports, so that the repository runs by
itself and with the code that its weights were tried with.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError, safe_open

from osprey_core.config import OspreyConfig
from osprey_core.errors import InputError
from osprey_core.hub.card import CARD_FILE, card_text, own_card, pictures_named

FILES = ("config.json", "model.safetensors", "tokenizer.json")
FURTHER_FILES = ("photographs.safetensors",)
PACKAGE = Path(__file__).parents[1]
LEFT_OUT = ("cli", "datagen", "evaluation", "hub", "nano", "serving", "training", "vocabularies")
"""Rooms of the package that answering does not need."""
TOWER = "nano/tower.safetensors"
"""Weights of the photo tower, for models that look through it."""
SEGMENTER = "segment/learned.safetensors"
"""Weights of the segmenter, for models that tell by segments what a picture shows."""


def repository_files(
    folder: Path, repo_id: str, license_id: str | None = None, with_handler: bool = True
) -> dict[str, Path | bytes]:
    """Path in the repository → the file, or its content, of the model in a folder.

    Of the pictures in the folder, those that its own card shows; other files stay where they are.

    Raises InputError if the folder does not hold a model in our own layout, or its card cannot be read.
    """
    lacking = [name for name in FILES if not (folder / name).is_file()]
    if lacking:
        raise InputError("hub.push_layout", folder=str(folder), files=", ".join(lacking))
    config = _config_of(folder)
    files: dict[str, Path | bytes] = {name: folder / name for name in FILES}
    files |= {name: folder / name for name in FURTHER_FILES if (folder / name).is_file()}
    files |= {name: folder / name for name in sorted(pictures_named(own_card(folder))) if (folder / name).is_file()}
    card = card_text(folder, repo_id, config, parameter_count(folder / "model.safetensors"), license_id)
    files[CARD_FILE] = card.encode()
    if with_handler:
        files |= dict(_handler_files(config))
    return files


def parameter_count(path: Path) -> int:
    """How many numbers a file of safetensors holds. Raises InputError if it is damaged or cannot be read."""
    try:
        with safe_open(path, framework="np") as tensors:
            return sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    except SafetensorError:
        raise InputError("hub.push_damaged", path=str(path)) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError("file.unreadable", path=str(path), reason=reason) from error


def _config_of(folder: Path) -> OspreyConfig:
    try:
        return OspreyConfig.from_dict(json.loads((folder / "config.json").read_bytes()))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("hub.push_damaged", path=str(folder / "config.json")) from None


def _handler_files(config: OspreyConfig) -> Iterator[tuple[str, Path]]:
    """The handler, what it needs to be installed, and the package's sources."""
    own = Path(__file__).parent
    yield "handler.py", own / "handler.py"
    yield "requirements.txt", own / "requirements.txt"
    for path in sorted(PACKAGE.rglob("*")):
        inside = path.relative_to(PACKAGE)
        if path.is_file() and path.suffix in (".py", ".json") and inside.parts[0] not in LEFT_OUT:
            yield f"{PACKAGE.name}/{inside.as_posix()}", path
    if config.vision.photo is not None or config.photographs is not None:
        yield f"{PACKAGE.name}/{TOWER}", PACKAGE / TOWER
    photographs = config.photographs
    tells = photographs is not None and (photographs.whole_picture == "segments" or photographs.counting is not None)
    if tells or (config.vision.photo is not None and config.counting is not None):
        yield f"{PACKAGE.name}/{SEGMENTER}", PACKAGE / SEGMENTER
