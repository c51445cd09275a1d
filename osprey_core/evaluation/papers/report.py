"""A benchmark's results as JSON-ready values and as a table beside the figures that the papers print."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from osprey_core.evaluation.papers.items import Outcome


@cache
def published(benchmark: str) -> dict[str, Any]:
    """The papers' figures: columns, rows by model (None where a paper has none), and maybe a note."""
    tables = json.loads(Path(__file__).with_name("published.json").read_text("utf-8"))
    found: dict[str, Any] = tables.get(benchmark, {"columns": [], "rows": {}})
    return found


def results(benchmark: str, model: str, asked_as: dict[str, Any], items: int, outcome: Outcome) -> dict[str, Any]:
    """Everything as JSON-ready values; figures that are no number are null."""
    scores = {
        name: {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(score).items()
        }
        for name, score in outcome.scores.items()
    }
    table = published(benchmark)
    notes = [*outcome.notes, *([table["note"]] if "note" in table else [])]
    return {
        "benchmark": benchmark,
        "model": model,
        "asked_as": asked_as,
        "items": items,
        "scores": scores,
        "notes": notes,
        "published": {name: dict(zip(table["columns"], row, strict=True)) for name, row in table["rows"].items()},
    }


def as_table(found: dict[str, Any]) -> str:
    """Markdown: a line for each model, this one last with its intervals."""
    columns = list(found["scores"])
    lines = [f"| model | {' | '.join(columns)} |", "| --- |" + " --- |" * len(columns)]
    for name, row in found["published"].items():
        cells = [f"{value:.2f}" if (value := row.get(column)) is not None else "" for column in columns]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    own = [
        f"{score['value']:.2f} ({score['low']:.2f} – {score['high']:.2f})" if score["value"] is not None else "–"
        for score in found["scores"].values()
    ]
    lines.append(f"| **{found['model']}** ({found['items']} items) | {' | '.join(own)} |")
    return "\n".join([*lines, *(["", *found["notes"]] if found["notes"] else [])])
