"""The card of a model on the Hub: the model's own README.md with the metadata that it lacks, or a plain one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from osprey_core.config import OspreyConfig
from osprey_core.errors import InputError

CARD_FILE = "README.md"
LIBRARY = "osprey-core"
TASK = "image-text-to-text"
TAGS = ("osprey", "region-understanding", "pytorch_model_hub_mixin", "model_hub_mixin")
"""The last two are PyTorchModelHubMixin's, whose layout the files have."""

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif")

_TARGETS = re.compile(
    r"""\]\(\s*(?:<([^<>\n]*)>|([^\s()<>]+))  # [words](target), [words](<target>)
    | ^\s{0,3}\[[^\]\n]+\]:\s*(?:<([^<>\n]*)>|(\S+))  # [label]: target
    | \bsrc\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)')  # <img src="target">
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?\n)?---\s*\n", re.DOTALL)


def card_text(folder: Path, repo_id: str, config: OspreyConfig, parameter_count: int, license_id: str | None) -> str:
    """The card as Markdown with metadata in front.

    What the folder's own card says stays; a licence that is given replaces its. Raises InputError if it cannot be read,
    its metadata are no YAML mapping, or its tags are no list of words.
    """
    path = folder / CARD_FILE
    metadata, body = _split(own_card(folder), str(path))
    if not body.strip():
        body = _plain(repo_id, config, parameter_count)
    tags = metadata.get("tags") or []
    tags = [tags] if isinstance(tags, str) else tags
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise InputError("hub.card_tags", path=str(path))
    metadata["tags"] = list(dict.fromkeys([*tags, *TAGS]))
    for key, value in (("library_name", LIBRARY), ("pipeline_tag", TASK), ("language", "en")):
        metadata.setdefault(key, value)
    if license_id is not None:
        metadata["license"] = license_id
    front = yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{front}---\n\n{body.lstrip()}"


def own_card(folder: Path) -> str:
    """The card that lies in a model's folder; "" if none does. Raises InputError if it is no UTF-8 or unreadable."""
    path = folder / CARD_FILE
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except UnicodeDecodeError:
        raise InputError("hub.card_encoding", path=str(path)) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError("file.unreadable", path=str(path), reason=reason) from error


def pictures_named(card: str) -> set[str]:
    """Names of the pictures beside a card that it shows or links to; what lies elsewhere is none of them."""
    targets = (next(filter(None, match.groups()), "") for match in _TARGETS.finditer(card))
    names = {unquote(target).removeprefix("./") for target in targets}
    return {name for name in names if name.lower().endswith(PICTURE_ENDINGS) and not set(name) & set("/\\\0")}


def _split(text: str, path: str) -> tuple[dict[str, Any], str]:
    """Metadata and body of a card."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        metadata = yaml.safe_load(match[1] or "") or {}
    except yaml.YAMLError:
        metadata = None
    if not isinstance(metadata, dict):
        raise InputError("hub.card_unreadable", path=path)
    return metadata, text[match.end() :]


def _plain(repo_id: str, config: OspreyConfig, parameter_count: int) -> str:
    """What the files themselves tell of a model without a card of its own."""
    vision, language = config.vision, config.language
    layers = f"{language.num_hidden_layers} layers of width {language.hidden_size}"
    return f"""# {repo_id.rpartition("/")[2]}

A model of the Osprey kind: it answers questions about regions of a picture, each given as a mask.

| part | what |
| --- | --- |
| vision encoder | {vision.name}, {vision.image_size} × {vision.image_size} px |
| language model | LLaMA, {layers}, vocabulary {language.vocab_size} |
| parameters | {parameter_count:,} |

```python
from osprey_core import Osprey

view = Osprey.from_pretrained("{repo_id}").open("picture.jpg")
print(view.ask("What is <region1>?", [mask]))  # mask: bool, as high and wide as the picture
```
"""
