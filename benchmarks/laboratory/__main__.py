"""`python -m benchmarks.laboratory`: makes the table's runs that have no result yet, and writes the report.

python -m benchmarks.laboratory --atlas art-cache --photographs packed --out results.jsonl --device cuda --minutes 9
python -m benchmarks.laboratory --out results.jsonl --report docs/laboratory.md

`--atlas` names a folder with `atlas-train.npz` and `atlas-heldout.npz` (`python -m osprey_core.training.art`), and
`--photographs` the beginning of the names of what `python -m benchmarks.laboratory.photographs` has packed. A second
call with the same files makes what is missing.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.laboratory.results import Results, append, read_results
from benchmarks.laboratory.table import TABLE_FILE, Table, read_table

log = logging.getLogger("benchmarks.laboratory")

TRAIN_SEEDS, TEST_SEEDS = 70_000_000, 80_000_000
"""Where the seeds of drawn pictures begin; far from those that models are trained on."""
STEP_BOUNDS = (600, 4000)
_TIME_FOR_TESTS, _TIME_TO_START = 3.0, 20.0
"""Seconds that a run's tests, and a process before its first run, take about."""


def main(argv: Sequence[str]) -> int:
    """Make runs or a report. Returns the exit code."""
    options = _parser().parse_args(list(argv))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    if options.report is not None:
        from benchmarks.laboratory.report import write_report  # needs matplotlib

        write_report(read_results(options.out), options.report)
        return 0
    if options.atlas is None:
        _parser().error("--atlas is needed to make runs; with --report only the results are read")
    table = read_table(options.table)
    results = read_results(options.out)
    missing = [run for run in table.runs if run.name not in results.runs]
    if options.only:
        missing = [run for run in missing if any(part in run.name for part in options.only)]
    log.info("%d runs of %d have no result yet", len(missing), len(table.runs))
    if not missing:
        return 0
    return _make(options, table, results, missing)


def _make(options: argparse.Namespace, table: Table, results: Results, missing: Sequence[Any]) -> int:
    # Drawing and all other processes are forked from this one, which therefore must not touch the device.
    from benchmarks.laboratory.crew import Crew
    from benchmarks.laboratory.data import draw
    from benchmarks.laboratory.trial import fitting_steps

    end = time.monotonic() + 60 * options.minutes
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")  # asking whether there is a card must not start it
    data = draw(
        options.atlas,
        options.photographs,
        options.pictures,
        options.test_pictures,
        options.processes,
        options.draw_seconds,
        (TRAIN_SEEDS, TEST_SEEDS),
    )
    log.info("%s", data.summary)
    on_gpu = options.device.startswith("cuda")
    processes = options.workers if on_gpu else 0
    steps = options.steps or results.setting.get("steps") or 0
    seconds: dict[str, float] = results.setting.get("seconds_per_step", {})
    if not steps and options.fit:
        begin = time.monotonic()
        for graphs in (on_gpu and not options.no_graphs, False):
            timed = partial(data.timed, table, options.device, options.fit_runs, graphs)
            seconds = seconds or _in_a_process(timed) or {}
        runs = [run for run in table.runs[: options.fit_runs] if run.name not in results.runs]
        left = end - time.monotonic() - _TIME_TO_START - _TIME_FOR_TESTS * len(runs) / max(1, processes)
        steps = fitting_steps(runs, seconds, left, STEP_BOUNDS) if seconds else table.steps
        log.info("%d steps each, timed in %.0f s: %s", steps, time.monotonic() - begin, json.dumps(seconds))
    steps = steps or table.steps
    known = {**data.summary, "steps": steps, "scenes_per_step": table.scenes_per_step}
    known["photographs_per_step"] = table.photographs_per_step
    for name, value in known.items():
        if results.setting.get(name, value) != value:
            raise ValueError(
                f"{options.out} has results with {name} {results.setting[name]}, not {value}: take --out anew"
            )
    card = (
        _in_a_process(_card)
        if on_gpu
        else {"device": f"CPU, {os.cpu_count()} cores", "python": platform.python_version()}
    )
    append(options.out, {"setting": {**known, "seconds_per_step": seconds, **card}})
    estimates = {name: each * steps for name, each in seconds.items()}
    crew = Crew(missing, options.out, end, estimates)
    if processes:
        crew.work(lambda: data.bench(table, steps, options.device, not options.no_graphs), processes)
    else:
        crew.work_here(data.bench(table, steps, options.device, False))
    done = read_results(options.out).runs
    log.info("%d of %d runs have a result", sum(run.name in done for run in table.runs), len(table.runs))
    return 1 if crew.given_up else 0


def _in_a_process(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a function gives in a forked process, so that this one does not touch the device; {} where it failed."""
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    process = context.Process(target=lambda: queue.put(work()))
    process.start()
    process.join()
    if process.exitcode:
        log.warning("a process that measures the device failed")
        return {}
    found: dict[str, Any] = queue.get()
    return found


def _card() -> dict[str, str]:
    import torch

    return {
        "device": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.laboratory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--table", type=Path, default=TABLE_FILE, help="the runs, in order of importance (TOML)")
    parser.add_argument("--out", type=Path, required=True, help="results, JSON lines; runs with a result are skipped")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report, with plots beside it; no runs")
    parser.add_argument("--atlas", type=Path, help="folder of the sprites")
    parser.add_argument(
        "--photographs", type=Path, help="beginning of the names of packed photographs; none: scenes only"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end by itself before")
    parser.add_argument("--workers", type=int, default=2, help="runs at the same time on a card")
    parser.add_argument("--steps", type=int, help="of every run; else the table's")
    parser.add_argument("--fit", action="store_true", help="as many steps as the first runs can have in the time")
    parser.add_argument("--fit-runs", type=int, default=40, metavar="N", help="for --fit: how many runs are to fit")
    parser.add_argument("--only", action="append", metavar="PART", help="runs whose names have this in them")
    parser.add_argument("--pictures", type=int, default=24_000, help="drawn to train on")
    parser.add_argument("--test-pictures", type=int, default=500, help="drawn for each test set")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="that draw pictures")
    parser.add_argument("--draw-seconds", type=float, default=150.0, help="stop drawing then")
    parser.add_argument("--no-graphs", action="store_true", help="record no CUDA graphs")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
