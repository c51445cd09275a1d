"""Which picture does an entry of a mask file mean? Compares the names and numbers that files give to pictures.

Other programs write names with folders of another computer, Windows separators, prefixes of an upload, percent signs
or another Unicode normal form. Knows names only, never a picture's content.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

_UPLOAD_PREFIX = re.compile(r"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{4,32}-(?=.)")
"""What Label Studio puts before the name of an uploaded file: hexadecimal digits; digits alone may be a date."""
_NUMBERED = re.compile(r"(?:coco_\w+_)?(\d{1,18})")
"""The stem of a picture that is named after its number, as COCO's are."""

_STEM, _NUMBER = "stem/", "number/"

NAME_KEYS = ("file_name", "filename", "image_name", "image_path", "path", "coco_url")
"""Under which keys formats give the name of a picture."""


@dataclass(frozen=True)
class PictureNames:
    """The name of the picture that masks are wanted for, among those of all pictures that the file may be about."""

    name: str | None = None
    """File name or path within the folder; None where it is unknown, which fits every name."""
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of further pictures by `file_key`, from `by_file_key`: what fits one of them better is not meant here."""

    @property
    def is_only_one(self) -> bool:
        """Whether no further picture takes its masks from the same file."""
        return not any(name != self.name for names in self.others.values() for name in names)

    def closeness(self, listed: str) -> int:
        """How well a listed name fits this picture: 0 for not at all; the higher the closer.

        0 too if another picture fits the listed name as well or better: then it is not known which is meant.
        """
        if self.name is None:
            return 1
        own = _closeness(self.name, listed)
        if not own:
            return 0
        rivals = (other for key in _keys(listed) for other in self.others.get(key, ()) if other != self.name)
        return own if all(_closeness(rival, listed) < own for rival in rivals) else 0

    def has_number(self, number: Any) -> bool:
        """Whether an image id is this picture's name, stem, or number, as in COCO's names 000000000139.jpg.

        False if it fits another picture too.
        """
        if self.name is None:
            return True
        if isinstance(number, str) and self.closeness(number):
            return True
        of_id = {_STEM + _key(number)} if isinstance(number, str) else set()
        key = id_key(number)
        if isinstance(key, int):
            of_id.add(_NUMBER + str(key))
        shared = of_id & set(_group_keys(self.name))
        return any(all(other == self.name for other in self.others.get(key, ())) for key in shared)

    @property
    def is_numbered(self) -> bool:
        """Whether the picture is named after a number."""
        return self.name is not None and _NUMBERED.fullmatch(_stem(_key(self.name))) is not None


def by_file_key(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The names of pictures, grouped as `PictureNames.others` needs them."""
    grouped: dict[str, list[str]] = {}
    for name in names:
        for key in _group_keys(name):
            grouped.setdefault(key, []).append(name)
    return {key: tuple(listed) for key, listed in grouped.items()}


def names_in(entry: Mapping[str, Any]) -> list[str]:
    """The names that an entry gives to its picture."""
    return [entry[key] for key in NAME_KEYS if isinstance(entry.get(key), str) and entry[key].strip()]


def id_key(value: Any) -> int | str | None:
    """An id for comparison: "7", 7 and 7.0 are the same; None for what is no id."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value.strip()):
        return int(value)
    return value


def _closeness(name: str, listed: str) -> int:
    """How well two names of a picture fit: 0 for different files, else the more the longer their common end is."""
    if _key(name) not in _keys(listed):
        return 0
    # Same letters count more than letters that differ in case only; a name without a prefix more than one with.
    exact = 2 if _file(name) == _file(listed) else int(_key(name) == _key(listed))
    folders = zip(reversed(_parts(name)[:-1]), reversed(_parts(listed)[:-1]), strict=False)
    shared = 0
    for ours, theirs in folders:
        if ours.casefold() != theirs.casefold():
            break
        shared += 1
    # "sub/a.png" is not exactly "a.png" of a folder that has both; but without a better one it is meant.
    is_end = int(shared == len(_parts(name)) - 1)
    is_all = int(is_end and len(_parts(name)) == len(_parts(listed)))
    return 1 + exact + 4 * is_all + 8 * is_end + 16 * shared


@lru_cache(maxsize=65536)
def _parts(name: str) -> tuple[str, ...]:
    """Folders and file name, in composed Unicode, whatever the separators."""
    text = name.split("?d=", 1)[-1]  # Label Studio's local files: /data/local-files/?d=folder/a.png
    if "%" in text:
        text = unquote(text)
    text = re.sub(r"[?#].*", "", text) if "://" in text else text
    parts = [part for part in re.split(r"[/\\]", unicodedata.normalize("NFC", text)) if part not in ("", ".")]
    return tuple(parts) or ("",)


def _file(name: str) -> str:
    return _parts(name)[-1]


def _key(name: str) -> str:
    """The file name for comparison: lower case, without the characters that an upload removes from a name."""
    kept = (char for char in _file(name) if char.isalnum() or char in "._- ")
    return "".join(kept).casefold() or _file(name).casefold()


def _keys(name: str) -> Iterator[str]:
    """The file name for comparison, as it is and without the prefix of an upload."""
    key = _key(name)
    yield key
    if match := _UPLOAD_PREFIX.match(key):
        yield key[match.end() :]


def _group_keys(name: str) -> Iterator[str]:
    """File name, stem and number of a picture; the signs before the latter two occur in no file name."""
    key = _key(name)
    yield key
    yield _STEM + _stem(key)
    if match := _NUMBERED.fullmatch(_stem(key)):
        yield _NUMBER + str(int(match[1]))


def _stem(key: str) -> str:
    return key.rsplit(".", 1)[0] if "." in key[1:] else key
