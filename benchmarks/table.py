"""The table of docs/speed.md: `python -m benchmarks.table benchmarks/results/benchmarks.json`.

Prints Markdown made of the benchmark's JSON, or writes it into a file between its two marks (`--write docs/speed.md`).
Nothing is rounded up: a ratio is that of the JSON, cut to two figures.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN = "<!-- how fast: begin (python -m benchmarks.table) -->"
END = "<!-- how fast: end -->"

SHAPES = {"nano": "osprey-nano", "wide": "published widths, 2 of 32 layers"}

ROWS = (
    ("a-float32", "new picture, first token"),
    ("a-bfloat16", "new picture, first token, bfloat16"),
    ("b-1", "second question on a region, first token"),
    ("b-12", "second question on a region, whole answer (12 tokens)"),
    ("c", "question on another region of the picture, first token"),
    ("d", "tenth turn, first token"),
    ("e-1", "1 region described"),
    ("e-4", "4 regions described"),
    ("e-16", "16 regions described"),
    ("e-64", "64 regions described"),
    ("f", "second click with SAM (vit_b)"),
    ("m", "a phrase searched among 64 segments of an opened picture"),
    ("l", "64 regions named among 1,203 classes by CLIP, after the encoder"),
)
"""Keys of measures whose other way is to do everything again."""

ASIDES = (
    ("g-float32-channels-last", "encoder, channels last against not, float32"),
    ("g-bfloat16-channels-last", "encoder, bfloat16 and channels last against float32"),
    ("q", "a new picture opened and read, products of bfloat16 against float32"),
    ("r", "a new picture opened and read in float32, linear layers by oneDNN against torch's own choice"),
    ("h", "answers with int8 weights against bfloat16"),
    ("n", "a decoding step, by layers against the library's forward pass"),
    ("o", "16 people's answers of 40 tokens, together against one after another by the loop for one answer"),
    ("o-thread", "16 people's answers of 40 tokens, together against one after another by the same thread"),
    ("e-64-cached", "64 regions of an opened picture, together against one by one"),
)


def table_of(report: Mapping[str, Any]) -> str:
    """Markdown of a whole report, heading included; ends with one line feed."""
    shapes = [name for name in SHAPES if name in report["measures"]]
    found = {name: {one["key"]: one for one in report["measures"][name]} for name in shapes}
    machine = report["machine"]
    cores = f"{machine['cores']} CPU core{'' if machine['cores'] == 1 else 's'}"
    lines = [
        "## How fast",
        "",
        f"Measured on {cores}, without a GPU, by `python -m benchmarks` (medians of {report['repeats']} runs). "
        "“Again” is what happens with nothing kept: picture encoded and prompt read for each question.",
        "",
        "| | " + " | ".join(f"{SHAPES[name]}: ours | again | times faster" for name in shapes) + " |",
        "| --- |" + " ---: | ---: | ---: |" * len(shapes),
    ]
    for key, title in ROWS:
        if any(key in found[name] for name in shapes):
            lines.append(f"| {title} | " + " | ".join(_cells(found[name].get(key)) for name in shapes) + " |")
    asides = [
        f"| {title} | " + " | ".join(_times_faster(found[name].get(key)) for name in shapes) + " |"
        for key, title in ASIDES
        if any(key in found[name] for name in shapes)
    ]
    if asides:
        heads = " | ".join(SHAPES[name] for name in shapes)
        lines += ["", f"| times faster, other comparisons | {heads} |", "| --- |" + " ---: |" * len(shapes), *asides]
    lines += _decoding(found) + _start_up(found) + _drift(report) + _estimate(report)
    return "\n".join(lines) + "\n"


def written_into(text: str, table: str) -> str:
    """A text with what stands between its marks replaced. Raises ValueError where it has no marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The file has no lines {BEGIN} and {END}; add both where the table belongs.")
    return f"{before}{begin}\n{table}{end}{after}"


def main(argv: Sequence[str]) -> int:
    """Print or write the table. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description=__doc__.split("\n")[0])
    parser.add_argument("report", type=Path, help="benchmarks.json")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put it between the marks of this file")
    options = parser.parse_args(list(argv))
    table = table_of(json.loads(options.report.read_text(encoding="utf-8")))
    if options.write is None:
        print(table, end="")
    else:
        text = options.write.read_text(encoding="utf-8")
        options.write.write_text(written_into(text, table), encoding="utf-8")
    return 0


def _cells(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "– | – | –"
    ours, other = one["ours"]["seconds"], one["other"]["seconds"]
    return f"{_seconds(ours)} | {_seconds(other)} | {_figure(one['times_faster'])}"


def _decoding(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    parts = [
        f"{_percent(steps['times_faster'])} ({SHAPES[name]})"
        for name, one in found.items()
        if (steps := one.get("p-memory", one.get("k"))) is not None  # the second one reads the question too
    ]
    if not parts:
        return []
    return ["", "Share of the memory's bandwidth that decoding reaches with its weights: " + ", ".join(parts) + "."]


def _start_up(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    one = next((measures["i"] for measures in found.values() if "i" in measures), None)
    if one is None:
        return []
    ours, other = one["ours"]["seconds"], one["other"]["seconds"]
    return [
        "",
        f"Start-up: {_seconds(ours)} until the page is built, {_seconds(other)} with osprey-nano loaded.",
    ]


def _drift(report: Mapping[str, Any]) -> list[str]:
    rows = [
        f"| {name} ({SHAPES[shape]}) | {_percent(one['same_tokens'])} | {_percent(one['same_answers'])} "
        f"| {_percent(one['logit_error'])} |"
        for shape, precisions in report.get("drift from float32", {}).items()
        if shape in SHAPES
        for name, one in precisions.items()
    ]
    if not rows:
        return []
    heads = (
        "| greedy answers, the same as in float32 | tokens | answers | largest difference of a logit, of the largest |"
    )
    return ["", heads, "| --- | ---: | ---: | ---: |", *rows]


def _estimate(report: Mapping[str, Any]) -> list[str]:
    estimates = report.get("estimates, nothing measured", [])
    if not estimates:
        return []
    lines = [
        "",
        "**Paper estimate, nothing measured**: Osprey-7b in bfloat16 from bytes moved and FLOPs of the data sheets.",
        "",
        "| card | first token, everything again | first token, cached | tokens per second | regions per second |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for one in estimates:
        lines.append(
            f"| {one['card']} | {_seconds(one['baseline_first_token'])} | {_seconds(one['cached_first_token'])} "
            f"| {_figure(one['tokens_per_second'])} | {_figure(one['regions_per_second'])} |"
        )
    return lines


def _times_faster(one: Mapping[str, Any] | None) -> str:
    return "–" if one is None else _figure(one["times_faster"])


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _percent(share: float) -> str:
    if 0 < share < 0.1:
        return f"{share:.1%}".replace("%", " %")
    return f"{math.floor(share * 100 + 1e-9)} %"


def _figure(value: float) -> str:
    """Cut, not rounded, to two figures: 0.87, 3.4, 89, 228 -> 220."""
    if value <= 0:
        return "0"
    places = 1 - math.floor(math.log10(value))
    cut = math.floor(value * 10**places + 1e-9) / 10**places
    return f"{cut:.{max(places, 0)}f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
