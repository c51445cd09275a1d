"""The wordings of every kind of question, and of answers that have several, read from `phrasings.json`.

In a question `{r}` is its one region; `{a}`, `{b}` are two; `{all}` is a list "…, … and …", `{or}` the same with "or";
`{x}` is what is asked about, `{Is}` is "Is" or "Are". Bare wordings mention no region: they are used only where it is
clear what "it" is. An entry of the file is a text, or a text with the weight of so many. The first wordings are those
published with Osprey.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Wording:
    """How one thing may be asked; a text with a weight of 2 is there twice."""

    templates: tuple[str, ...]
    """Texts that mention the question's regions, if it has any."""
    bare: tuple[str, ...] = ()
    """Texts that mention none."""


def _texts(entries: Sequence[str | Mapping[str, Any]]) -> tuple[str, ...]:
    """The texts of a table, each as often as it weighs."""
    texts: list[str] = []
    for entry in entries:
        texts += [entry] if isinstance(entry, str) else [entry["text"]] * entry["weight"]
    return tuple(texts)


_CONTENT = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))

WORDINGS: Mapping[str, Wording] = {
    name: Wording(_texts(tables["templates"]), _texts(tables.get("bare", ())))
    for name, tables in _CONTENT["questions"].items()
}
"""How questions are asked, by what is asked."""

DETAIL_OPENINGS = _texts(_CONTENT["answers"]["detail_openings"])
"""First sentences of detailed descriptions; `{a}` is the thing with its article."""

REFUSALS = _texts(_CONTENT["answers"]["refusals"])
"""Answers to what no picture tells."""
