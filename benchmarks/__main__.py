"""`python -m benchmarks`: measures, prints a table, writes JSON and a plot, and ends with one line of JSON.

python -m benchmarks                       both shapes, all measures
python -m benchmarks --shape nano --only bc
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from osprey_core.runtime.threads import settle_threads

if __name__ == "__main__":
    settle_threads()  # as the page and the command line do

import torch

from benchmarks.estimate import CARDS, estimate
from benchmarks.linear_layers import linear_layers
from benchmarks.measures import MEASURES as ANSWER_MEASURES
from benchmarks.measures import Setting, drifts
from benchmarks.models import SHAPES, build
from benchmarks.step_limits import step_limits
from benchmarks.timing import Comparison
from benchmarks.together import people_together
from benchmarks.words import found_phrase, names_by_clip
from osprey_core.config import OspreyConfig
from osprey_core.io.streams import tolerate_any_encoding
from osprey_core.runtime.quantize import Drift

log = logging.getLogger("benchmarks")

MEASURES = {
    **ANSWER_MEASURES,
    "l": names_by_clip,
    "m": found_phrase,
    "o": people_together,
    "p": step_limits,
    "r": linear_layers,
}
"""All measures by their letters."""


def main(argv: Sequence[str]) -> int:
    """Run what was asked for. Returns the exit code."""
    options = _parser().parse_args(list(argv))
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    if options.threads:
        torch.set_num_threads(options.threads)
    results: dict[str, list[Comparison]] = {}
    drifted: dict[str, dict[str, Drift]] = {}
    for shape in options.shape or ["nano", "wide"]:
        log.info("%s", shape)
        setting = Setting(build(shape), shape, options.repeats, options.new_tokens, tuple(options.regions))
        for letter in options.only:
            for found in MEASURES[letter](setting):
                results.setdefault(shape, []).append(found)
                log.info("%s", line_of(found))
        if "h" in options.only:
            for name, far in drifts(setting).items():
                drifted.setdefault(shape, {})[name] = far
                log.info("%s against float32: %s", name, far)
    report = report_of(results, drifted, options.repeats)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "benchmarks.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    plot(results, options.out / "benchmarks.png")
    print(json.dumps({shape: {c.key: round(c.times_faster, 2) for c in found} for shape, found in results.items()}))
    return 0


def line_of(found: Comparison) -> str:
    """One comparison as a line of a table."""
    memory = "" if found.ours.peak_mb is None else f"   {found.ours.peak_mb:7.0f} MB"
    return (
        f"{found.title:62} {found.ours.seconds:9.3f} s   {found.other.label}: {found.other.seconds:9.3f} s   "
        f"{found.times_faster:7.1f} x{memory}"
    )


def report_of(
    results: dict[str, list[Comparison]], drifted: dict[str, dict[str, Drift]], repeats: int
) -> dict[str, Any]:
    """All that was found, for JSON."""
    return {
        "machine": {
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "architecture": platform.machine(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        },
        "repeats": repeats,
        "measures": {shape: [one.to_dict() for one in found] for shape, found in results.items()},
        "drift from float32": {
            shape: {name: asdict(one) for name, one in found.items()} for shape, found in drifted.items()
        },
        "estimates, nothing measured": [asdict(estimate(OspreyConfig(), card)) for card in CARDS],
    }


def plot(results: dict[str, list[Comparison]], path: Path) -> None:
    """Bars of how many times faster each measure is, on a logarithmic axis."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        log.info("No plot: matplotlib is not installed (requirements-dev.txt has it).")
        return
    rows = [(f"{shape}: {one.title}", one.times_faster) for shape, found in results.items() for one in found][::-1]
    figure = Figure(figsize=(10, 1.2 + 0.32 * len(rows)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([title for title, _ in rows], [times for _, times in rows], color="#0072b2")
    axes.bar_label(bars, [f"{times:.1f}" for _, times in rows], padding=3)
    axes.axvline(1, color="#444444", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("times faster")
    axes.margins(x=0.12)
    figure.savefig(path, dpi=120)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--shape", action="append", choices=SHAPES, help="may be repeated; nano and wide by default")
    parser.add_argument("--only", default="".join(MEASURES), type=_letters, help="letters of the measures")
    parser.add_argument("--repeats", default=3, type=int, help="measured runs of each way, 3 by default")
    parser.add_argument("--new-tokens", default=12, type=int, help="length of whole answers, 12 by default")
    parser.add_argument("--regions", default=[1, 4, 16, 64], type=int, nargs="+", help="counts for (e)")
    parser.add_argument("--threads", type=int, help="of torch; its own choice by default")
    parser.add_argument("--out", default=Path("benchmarks/results"), type=Path, help="folder for JSON and plot")
    return parser


def _letters(text: str) -> str:
    if unknown := sorted(set(text) - set(MEASURES)):
        raise argparse.ArgumentTypeError(f"there is no measure {', '.join(unknown)}; use {', '.join(MEASURES)}")
    return text


if __name__ == "__main__":
    tolerate_any_encoding()
    sys.exit(main(sys.argv[1:]))
