"""The laboratory's report, Markdown and plots, from results alone.

What stands between the marks of the answer is written by a person; it is kept when the report is written anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.laboratory.figures import Answers, Question, Share, accuracy, accuracy_of, answers, difference
from benchmarks.laboratory.pictures import MASKS
from benchmarks.laboratory.results import Results
from benchmarks.laboratory.table import EXTRACTORS, Run

BEGIN, END = "<!-- answer: begin -->", "<!-- answer: end -->"
SETS = {"scenes": "scenes", "scenes in an unseen style": "unseen style", "photographs": "photographs"}
TOWERS = {"convnext": "ConvNeXt", "vit": "ViT", "vit of equal parameters": "ViT of equal parameters"}
READERS = {
    "pooling": "mask pooling",
    "published pooling": "mask pooling, published cells",
    "sampler": "sampler",
    "box": "box RoI-align",
}
FOUR_LEVELS = ("res2", "res3", "res4", "res5")
_COLORS = {"convnext": "#dc2626", "vit": "#2563eb"}

PAPER = """\
## The paper's own figures

| | Cityscapes PQ | ADE20K PQ | LVIS SS / S-IoU | PACO SS / S-IoU |
| --- | ---: | ---: | ---: | ---: |
| ViT-L (table 8) | 38.58 | 38.86 | 60.89 / 31.02 | 70.23 / 48.57 |
| ConvNeXt-B (table 8) | 48.49 | 41.94 | 64.52 / 37.02 | 72.86 / 51.62 |
| ConvNeXt-L, four levels (tables 8 and 11) | 50.64 | 42.50 | 65.24 / 38.19 | 73.06 / 52.72 |
| ConvNeXt-L, one level (table 11) | 46.28 | 38.03 | 62.46 / 34.25 | 68.42 / 46.38 |

| picture size | 224 | 336 | 448 | 512 | 672 | 800 | 896 | 1120 |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| Osprey, ConvNeXt-L, trained at each size, LVIS SS (table 9) | 53.20 | 56.70 | | 65.24 | | 68.29 | | |
| frozen CLIP alone, ADE20K PQ by true masks (table 12): ViT-L | 26.52 | | 28.15 | | 27.26 | | 25.18 | 24.61 |
| the same: ConvNeXt-L | 23.35 | | 34.36 | | 40.57 | | 43.04 | 43.33 |

In the paper the ViT differs from the ConvNeXts in what it was pretrained on and in having one level. Of sampler
against pooling it compares whole systems only: Ferret-7B 63.78 / 36.57 and Osprey-7B 65.24 / 38.19 on LVIS, with
different data.
"""


def write_report(results: Results, path: Path) -> None:
    """Write the report, and its plots beside it. Raises ValueError where there is no result."""
    if not results.runs:
        raise ValueError("there are no results to report: make runs first")
    plots = [plot_sizes(results, path.with_name(f"{path.stem}-sizes.png"))]
    plots.append(plot_readers(results, path.with_name(f"{path.stem}-extractors.png")))
    plots.append(plot_losses(results, path.with_name(f"{path.stem}-losses.png")))
    old = path.read_text("utf-8") if path.is_file() else ""
    path.write_text(report_of(results, answer_in(old), [plot for plot in plots if plot is not None]), encoding="utf-8")


def answer_in(text: str) -> str:
    """What stands between the marks of a report; "" without."""
    _, begin, rest = text.partition(BEGIN)
    answer, end, _ = rest.partition(END)
    return answer.strip("\n") if begin and end else ""


def report_of(results: Results, answer: str, plots: Sequence[Path] = ()) -> str:
    """Markdown of all results."""
    parts = [
        "# The laboratory: towers and mask extractors compared",
        f"{BEGIN}\n{answer}\n{END}" if answer else f"{BEGIN}\n{END}",
        *[f"![{plot.stem}]({plot.name})" for plot in plots],
        *_setting(results),
        *_towers(results),
        *_further_towers(results),
        *_levels(results),
        *_readers(results),
        *_costs(results),
        PAPER.rstrip("\n"),
        *_how(results),
    ]
    return "\n\n".join(parts) + "\n"


def plot_sizes(results: Results, path: Path) -> Path | None:
    """Accuracy by the size of the tested pictures, a panel for each size trained at; None without such runs."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    sizes = _sizes(results)
    sets = [name for name in SETS if any(_found(results, Run(size=size), name) for size in sizes)]
    if not sets:
        return None
    figure, axes = plt.subplots(len(sets), len(sizes), figsize=(2.6 * len(sizes), 2.3 * len(sets)), squeeze=False)
    for row, pictures in zip(axes, sets, strict=True):
        for axis, trained in zip(row, sizes, strict=True):
            for tower, color in _COLORS.items():
                found = [
                    (size, accuracy(one))
                    for size in sorted({trained, *_test_sizes(results)})
                    if (one := _found(results, Run(tower, trained), pictures, size)) is not None
                ]
                if found:
                    x, shares = zip(*found, strict=True)
                    y = [100 * share.value for share in shares]
                    below = [100 * (share.value - share.low) for share in shares]
                    above = [100 * (share.high - share.value) for share in shares]
                    axis.errorbar(x, y, [below, above], color=color, marker="o", ms=3, lw=1.2, label=TOWERS[tower])
            axis.axvline(trained, color="#999999", lw=0.8, ls=":")
            axis.set_ylim(bottom=0)
            axis.set_xticks(_test_sizes(results))
            axis.tick_params(labelsize=7)
            axis.set_title(f"{SETS[pictures]}, trained at {trained} px", fontsize=8)
        row[0].set_ylabel("named right, %", fontsize=8)
    axes[0][0].legend(fontsize=7)
    for axis in axes[-1]:
        axis.set_xlabel("tested at, px", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def plot_readers(results: Results, path: Path) -> Path | None:
    """Accuracy of mask extractors by kind of mask and size of thing; None without such runs."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    size = _reader_size(results)
    if size is None:
        return None
    shown = [name for name in EXTRACTORS if _found(results, Run(size=size, extractor=name), "scenes")]
    figure, axes = plt.subplots(1, 3, figsize=(10, 2.8))
    for axis, (pictures, title) in zip(axes, SETS.items(), strict=True):
        for place, name in enumerate(shown):
            groups = [(masks, things) for masks in MASKS for things in ("small", "large")]
            for column, (masks, things) in enumerate(groups):
                one = _found(results, Run(size=size, extractor=name), pictures, size, masks, things)
                if one is None or not one.asked.sum():
                    continue
                share = accuracy(one)
                x = column + (place - (len(shown) - 1) / 2) * 0.2
                spread = [[100 * (share.value - share.low)], [100 * (share.high - share.value)]]
                label = READERS[name] if column == 0 else None
                axis.bar(x, 100 * share.value, 0.18, color=f"C{place}", label=label)
                axis.errorbar(x, 100 * share.value, spread, color="#333333", lw=0.8)
            axis.set_xticks(range(len(groups)), [f"{masks}\n{things}" for masks, things in groups], fontsize=7)
        axis.set_title(title, fontsize=8)
        axis.tick_params(axis="y", labelsize=7)
    axes[0].set_ylabel("named right, %", fontsize=8)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="lower center", ncols=len(shown), fontsize=7)
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def plot_losses(results: Results, path: Path) -> Path | None:
    """Training losses over the steps, means of seeds: towers at the largest size, and extractors; None without them."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    sizes, reader_size = _sizes(results), _reader_size(results)
    curves: list[dict[str, Run]] = [{}, {}]
    for size in sizes:
        curves[0] |= {f"{TOWERS[tower]}, {size} px": Run(tower, size) for tower in _COLORS}
    if reader_size is not None:
        curves[1] = {READERS[name]: Run(size=reader_size, extractor=name) for name in EXTRACTORS}
    figure, axes = plt.subplots(1, 2, figsize=(10, 3), sharey=True)
    drawn = False
    for axis, shown in zip(axes, curves, strict=True):
        for place, (label, run) in enumerate(shown.items()):
            losses = [one["losses"] for one in results.runs.values() if one["condition"] == run.condition]
            if losses:
                mean = [sum(values) / len(values) for values in zip(*losses, strict=True)]
                steps = [results.setting["steps"] * (step + 1) / len(mean) for step in range(len(mean))]
                style = {"color": f"C{place // 2}", "ls": "-" if place % 2 == 0 else "--"} if shown is curves[0] else {}
                axis.plot(steps, mean, lw=1.2, label=label, **style)
                drawn = True
        axis.set_xlabel("steps", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.legend(fontsize=6)
    axes[0].set_ylabel("training loss", fontsize=8)
    axes[0].set_title("mask pooling", fontsize=8)
    axes[1].set_title(f"ConvNeXt, {reader_size} px", fontsize=8)
    figure.tight_layout()
    if drawn:
        figure.savefig(path, dpi=110)
    plt.close(figure)
    return path if drawn else None


def _setting(results: Results) -> Iterable[str]:
    setting = results.setting
    scenes, photographs = (setting.get("pictures", {}).get(name, [0, 0]) for name in ("scenes", "photographs"))
    tests = "; ".join(
        f"{SETS.get(name, name)}: {count[0]} pictures, {count[1]:,} regions"
        for name, count in setting.get("test_pictures", {}).items()
    )
    seconds = sum(sum(run["seconds"].values()) for run in results.runs.values())
    yield (
        f"{len(results.runs)} networks, each trained from nothing for {setting.get('steps')} steps of "
        f"{setting.get('scenes_per_step')} drawn scenes and {setting.get('photographs_per_step')} photographs "
        f"(of {scenes[0]:,} scenes with {scenes[1]:,} things, and {photographs[0]} photographs with {photographs[1]:,} "
        f"regions), and tested on others. It names a region, one of {setting.get('classes')} names, from its mask "
        f"token alone (RMSNorm and a linear layer). Tests: {tests}. Device: {setting.get('device')}; "
        f"{seconds / 60:.0f} minutes of runs, two at the same time."
    )
    if commonest := setting.get("commonest"):
        yield (
            f"The photographs' commonest name, “{commonest['name']}”, is right for {100 * commonest['exact']:.1f} % of "
            f"the tested regions with a mask and {100 * commonest['box']:.1f} % of all. A network that does no better "
            "has learned nothing of photographs."
        )


def _towers(results: Results) -> Iterable[str]:
    lines = [
        "## ConvNeXt against ViT of equal computation",
        "",
        "One level (stride 16), mask pooling. Percent named right by the exact mask (photographed things that have "
        "none are left out); the difference is ConvNeXt less ViT, in points, with its 95 % interval.",
        "",
        "| trained → tested | " + " | ".join(f"{name}: ConvNeXt | ViT | difference" for name in SETS.values()) + " |",
        "| --- |" + " ---: | ---: | ---: |" * len(SETS),
    ]
    visible: dict[str, list[float]] = {name: [] for name in SETS}
    seeds: list[int] = []
    for trained in _sizes(results):
        for tested in sorted({trained, *_test_sizes(results)}):
            cells = []
            for pictures in SETS:
                pair = [_found(results, Run(tower, trained), pictures, tested) for tower in ("convnext", "vit")]
                cells += _compared(*pair)
                if pair[0] is not None and pair[1] is not None:
                    apart = difference(pair[0], pair[1])
                    visible[pictures].append(apart.visible)
                    seeds.append(min(len(pair[0].right), len(pair[1].right)))
            bold = "**" if trained == tested else ""
            lines.append(f"| {bold}{trained} → {tested}{bold} | " + " | ".join(cells) + " |")
    yield "\n".join(lines)
    told = [f"{SETS[name]} {100 * max(found):.1f}" for name, found in visible.items() if found]
    if told:
        counts = f"{min(seeds)}" if min(seeds) == max(seeds) else f"{min(seeds)} to {max(seeds)}"
        yield (
            f"Seeds of each network: {counts}. Power: a true difference of so many points would have been seen in four "
            f"of five such experiments, in every row: {', '.join(told)}."
        )


def _further_towers(results: Results) -> Iterable[str]:
    rows: list[tuple[str, Run, Run]] = []
    for size in _sizes(results):
        small = Run("vit of equal parameters", size)
        if _found(results, small, "scenes"):
            rows.append((f"ViT of equal parameters, {size} px", Run("convnext", size), small))
    for rate in sorted({run["rate"] for run in results.runs.values()}):
        size = min(_sizes(results), default=Run().size)
        convnext, vit = (Run(tower, size, rate=rate) for tower in ("convnext", "vit"))
        if rate != Run().rate and _found(results, convnext, "scenes"):
            rows.append((f"learning rate {rate:g}, {size} px", convnext, vit))
    if rows:
        yield _table(
            "### Other conditions, ConvNeXt against ViT, tested at the size of training",
            "ConvNeXt",
            "ViT",
            results,
            rows,
        )


def _levels(results: Results) -> Iterable[str]:
    rows = [
        (f"ConvNeXt, {size} px", Run(size=size, levels=FOUR_LEVELS), Run(size=size))
        for size in _sizes(results)
        if _found(results, Run(size=size, levels=FOUR_LEVELS), "scenes")
    ]
    if rows:
        yield _table("## Four levels against one", "four", "one", results, rows)


def _readers(results: Results) -> Iterable[str]:
    size = _reader_size(results)
    if size is None:
        return
    lines = [
        f"## What reads a region: pooling, points or a box (ConvNeXt, {size} px, one level)",
        "",
        "All are trained with exact masks (photographed things without one: their box), and tested with exact ones, "
        "with rough ones as by hand, and with boxes. Below 2 % of the picture a thing is small, above 5 % large.",
        "",
        "| | masks | " + " | ".join(f"{name}: all | small | large" for name in SETS.values()) + " |",
        "| --- | --- |" + " ---: | ---: | ---: |" * len(SETS),
    ]
    apart = [
        "Difference from mask pooling in points, with the 95 % interval:",
        "",
        "| | masks | " + " | ".join(SETS.values()) + " |",
        "| --- | --- |" + " ---: |" * len(SETS),
    ]
    for name in EXTRACTORS:
        run = Run(size=size, extractor=name)
        if not _found(results, run, "scenes"):
            continue
        for masks in MASKS:
            cells, differences = [], []
            for pictures in SETS:
                for things in ("all", "small", "large"):
                    cells.append(_value(_found(results, run, pictures, size, masks, things)))
                one = _found(results, run, pictures, size, masks)
                other = _found(results, Run(size=size), pictures, size, masks)
                differences.append(_compared(one, other)[2])
            lines.append(f"| {READERS[name]} | {masks} | " + " | ".join(cells) + " |")
            if name != "pooling":
                apart.append(f"| {READERS[name]} | {masks} | " + " | ".join(differences) + " |")
    yield "\n".join(lines)
    if len(apart) > 4:
        yield "\n".join(apart)


def _costs(results: Results) -> Iterable[str]:
    lines = [
        "## What each costs",
        "",
        "| | parameters: encoder | extractor | GFLOPs of one picture's encoding | milliseconds of a training step |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    each = results.setting.get("seconds_per_step", {})
    shown: set[str] = set()
    for run in sorted(results.runs.values(), key=lambda one: (one["extractor"], one["tower"], one["size"])):
        title = f"{TOWERS[run['tower']]}, {run['size']} px"
        title += "" if len(run["levels"]) == 1 else f", {len(run['levels'])} levels"
        title += "" if run["extractor"] == "pooling" else f", {READERS[run['extractor']]}"
        if title in shown:
            continue
        shown.add(title)
        time = f"{1000 * each[run['condition']]:.1f}" if run["condition"] in each else "–"
        counts = run["parameters"]
        lines.append(
            f"| {title} | {counts['encoder'] / 1e6:.2f} M | {counts['extractor'] / 1e6:.2f} M "
            f"| {run['encoder_flops'] / 1e9:.2f} | {time} |"
        )
    yield "\n".join(lines)
    yield (
        "A multiplication and an addition count as two operations. "
        "Steps were timed alone on the device, before the runs."
    )


def _how(results: Results) -> Iterable[str]:
    yield """\
## How it was done, and what it cannot tell

`python -m benchmarks.laboratory` makes the runs of `benchmarks/laboratory/table.toml` and writes this page from the
results. All runs of a seed see the same pictures in the same order, changed in the same way; AdamW, the same
schedule, bfloat16 products. Pictures are drawn at 384 px and made smaller; so a picture tested at a larger size than
its network was trained at shows more, not invented, detail. The ViT has ConvNeXt-atto's width and number of blocks of
the third stage (160, six), patches of 16 px, learned positions that are interpolated for other sizes. Scenes are
crowded pictures of emoji, drawn objects and shapes; the unseen style is one emoji font that no training picture
shows. Photographs are of COCO and VOC; those that `photo_split.json` holds back are tested. Masks are read at 96 ×
96: mask pooling weighs cells of the feature map by how much of them is covered; the published rule takes every cell
that a resized mask touches. The sampler is Ferret's with 128 points, 64 and 16 anchors, 16 neighbours. RoI-align
reads 7 × 7 bins of the mask's box.

What it cannot tell: nothing is pretrained, networks are small, and training ends long before anything is learned
fully, so that it compares how fast networks learn. Mask pooling is not bound to figures this low: osprey-nano's
encoder names 87 % of the regions of busy training scenes through it, with four levels, after some fifteen thousand
steps ([nano-history.md](nano-history.md)). Extractors differ in their parameters too, and two of them keep where in
a region a feature was. In crowded pictures things hardly overlap, so that a box shows its thing and little else.
The learning rate was varied at one size, with one seed. Three seeds say little of how widely seeds differ;
intervals that are made of them are somewhat too narrow."""


def _table(title: str, one: str, other: str, results: Results, rows: Sequence[tuple[str, Run, Run]]) -> str:
    """Pairs of runs compared on all sets."""
    lines = [
        title,
        "",
        "| | " + " | ".join(f"{name}: {one} | {other} | difference" for name in SETS.values()) + " |",
        "| --- |" + " ---: | ---: | ---: |" * len(SETS),
    ]
    for label, first, second in rows:
        cells = []
        for pictures in SETS:
            cells += _compared(_found(results, first, pictures), _found(results, second, pictures))
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _found(
    results: Results, run: Run, pictures: str, size: int | None = None, masks: str = "exact", things: str = "all"
) -> Answers | None:
    """Answers of a run's condition, at its own size unless another is given."""
    return answers(results, run.condition, Question(pictures, size or run.size, masks, things))


def _compared(one: Answers | None, other: Answers | None) -> list[str]:
    if one is None or other is None:
        return [_value(one), _value(other), "–"]
    return [_value(one), _value(other), _signed(difference(one, other))]


def _value(found: Answers | None) -> str:
    return "–" if found is None or not found.asked.sum() else f"{100 * accuracy_of(found):.1f}"


def _signed(share: Share) -> str:
    return f"{100 * share.value:+.1f} ({100 * share.low:+.1f} to {100 * share.high:+.1f})"


def _sizes(results: Results) -> list[int]:
    """Sizes at which a tower with one level was trained."""
    return sorted(
        {
            _run_size(run)
            for run in results.runs.values()
            if run["condition"] == Run(run["tower"], run["size"]).condition
        }
    )


def _run_size(run: dict[str, Any]) -> int:
    return int(run["size"])


def _test_sizes(results: Results) -> list[int]:
    """Sizes at which every run was tested."""
    each = [{tested["size"] for tested in run["tests"]} for run in results.runs.values()]
    return sorted(set.intersection(*each))


def _reader_size(results: Results) -> int | None:
    """The size at which other extractors than mask pooling were trained."""
    return next((_run_size(run) for run in results.runs.values() if run["extractor"] != "pooling"), None)
