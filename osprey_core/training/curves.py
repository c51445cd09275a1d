"""The learning curves of a run as a picture: `python -m osprey_core.training.curves RUN --out curves.png`.

It reads the run's log and nothing else; drawing needs matplotlib, which only developers have.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from osprey_core.errors import InputError, OspreyError
from osprey_core.training.config import LOG_FILE

log = logging.getLogger(__name__)

FIGURES = ("loss", "token_accuracy", "row_accuracy", "region_accuracy", "image_token_accuracy", "held_out")
LABELS = {
    "loss": "loss",
    "token_accuracy": "learned ids right",
    "row_accuracy": "answers without a mistake",
    "region_accuracy": "regions named by their mask tokens",
    "image_token_accuracy": "image tokens that name their region",
    "held_out": "ids right on held-out samples",
}
_COLORS = {
    "loss": "#444444",
    "token_accuracy": "#3b82f6",
    "row_accuracy": "#f59e0b",
    "region_accuracy": "#dc2626",
    "image_token_accuracy": "#8b5cf6",
    "held_out": "#10b981",
}
_SMOOTHED_OVER = 9  # log entries


@dataclass
class Curves:
    """A run's figures over its steps, all stages in a row."""

    stages: list[tuple[str, int]] = field(default_factory=list)
    """Names in order, each with the step at which it begins."""
    points: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: {name: [] for name in FIGURES})
    """(step, value) by figure, in order of steps."""
    steps: int = 0


def read_curves(folder: Path) -> Curves:
    """Figures of a run's log. Where a run was taken up again, what was logged last for a step counts.

    Raises InputError where there is no log, or nothing in it.
    """
    path = folder / LOG_FILE
    if not path.is_file():
        raise InputError("curves.log_missing", folder=str(folder), name=LOG_FILE)
    entries: dict[tuple[str, int], dict[str, float]] = {}
    stages: dict[str, int] = {}  # name -> its last step
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
            stage, step = str(entry["stage"]), int(entry["step"])
        except (ValueError, TypeError, KeyError):
            continue  # a line that was cut when the run was stopped
        stages[stage] = max(stages.get(stage, 0), step)
        figures = {name: float(entry[name]) for name in FIGURES if isinstance(entry.get(name), int | float)}
        entries.setdefault((stage, step), {}).update(figures)
    if not entries:
        raise InputError("curves.log_empty", path=str(path))
    curves = Curves()
    for stage, last in stages.items():
        curves.stages.append((stage, curves.steps))
        for step in sorted(step for name, step in entries if name == stage):
            for name, value in entries[stage, step].items():
                curves.points[name].append((curves.steps + step, value))
        curves.steps += last
    return curves


def draw_curves(curves: Curves, path: Path) -> None:
    """Write the curves as a picture: the loss above, shares below, the stages as bands.

    Raises InputError where matplotlib is missing or the picture cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import LogLocator, NullFormatter
    except ImportError as error:
        raise InputError("curves.matplotlib_missing") from error
    figure = Figure(figsize=(10, 6.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True)
    for axes, names in ((above, FIGURES[:1]), (below, FIGURES[1:])):
        ends = [start for _, start in curves.stages[1:]] + [curves.steps]
        for place, ((_, start), end) in enumerate(zip(curves.stages, ends, strict=True)):
            axes.axvspan(start, end, color="#000000", alpha=0.04 * (place % 2), linewidth=0)
        for name in names:
            _draw(axes, curves, name)
        axes.grid(alpha=0.25)
        axes.set_xlim(0, curves.steps)
    # Short stages have no room for a name: the bands are numbered, and the title says which is which.
    numbered = [f"{place} {name}" for place, (name, _) in enumerate(curves.stages, start=1)]
    figure.suptitle(textwrap.fill("stages: " + "  ·  ".join(numbered), 150), fontsize=9)
    for place, (_, start) in enumerate(curves.stages, start=1):
        above.annotate(str(place), (start, 1.015), xycoords=("data", "axes fraction"), fontsize=8, ha="left")
    above.set_yscale("log")
    above.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    above.yaxis.set_major_formatter("{x:g}")
    above.yaxis.set_minor_formatter(NullFormatter())
    above.set_ylabel(LABELS["loss"])
    below.set_ylim(0, 1.02)
    below.set_ylabel("share")
    below.set_xlabel("step")
    below.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8, frameon=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise InputError("curves.file_unwritable", path=str(path), reason=str(error)) from error


def smooth(values: Sequence[float], width: int = _SMOOTHED_OVER) -> list[float]:
    """Mean of each value and its neighbours, `width` values in all, fewer at the ends."""
    half = width // 2
    windows = [values[max(0, k - half) : k + half + 1] for k in range(len(values))]
    return [sum(window) / len(window) for window in windows]


def main(argv: Sequence[str] | None = None) -> int:
    """Draw; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training.curves", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a training run")
    parser.add_argument("--out", type=Path, required=True, help="picture to write, .png or .svg")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        draw_curves(read_curves(options.run), options.out)
    except OspreyError as error:
        log.error("%s", error)
        return 2
    log.info("Wrote %s.", options.out)
    return 0


def _draw(axes: object, curves: Curves, name: str) -> None:
    """One figure, smoothed within each stage over its own points in pale; held-out scores are too few to smooth."""
    points = curves.points[name]
    if not points:
        return
    color, label = _COLORS[name], LABELS[name]
    plot = axes.plot  # type: ignore[attr-defined]  # matplotlib's axes
    if name == "held_out":
        plot(*zip(*points, strict=True), color=color, marker="o", markersize=3, linewidth=1, label=label)
        return
    starts = [start for _, start in curves.stages] + [curves.steps]
    for place in range(len(curves.stages)):
        own = [(step, value) for step, value in points if starts[place] < step <= starts[place + 1]]
        if own:
            steps, values = zip(*own, strict=True)
            plot(steps, values, color=color, alpha=0.2, linewidth=0.8)
            plot(steps, smooth(values), color=color, linewidth=1.6, label=label)
            label = "_" + label  # named once in the legend


if __name__ == "__main__":
    sys.exit(main())
