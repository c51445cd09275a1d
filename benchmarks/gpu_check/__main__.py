"""`python -m benchmarks.gpu_check`: measures on a GPU, writes JSON after every section, ends with it as one line.

python -m benchmarks.gpu_check --out gpu.json
python -m benchmarks.gpu_check --device cpu --tiny     try the program where there is no GPU
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.gpu_check.findings import Findings
from benchmarks.gpu_check.runner import Section, run_sections

SECTIONS = (
    Section("machine", 40),
    Section("bfloat16", 60),
    Section("graphs", 60),
    Section("parity", 50),
    Section("embedded", 50),
    Section("sam", 30, ("segment_anything", "torchvision")),
    Section("8bit", 40, ("bitsandbytes",)),
    Section("4bit", 40, ("bitsandbytes",)),
    Section("int8", 40),
)
"""In order of importance: what comes last is left out if time runs out."""

TINY_SECTIONS = tuple(section.name for section in SECTIONS if not section.name.endswith("bit"))
SECONDS = 175.0

NO_CUDA = (
    "There is no CUDA device here, and this check measures one. On a machine without, "
    "`--device cpu --tiny` tries the program itself."
)


def main(argv: Sequence[str]) -> int:
    """Run what was asked for. Returns 0, 1 if a section failed or was stopped, 2 without the device."""
    options = _parser().parse_args(list(argv))
    if options.device == "cpu" and not options.tiny:
        _parser().error("on a CPU only --tiny is measured: the published model would take hours there")
    if options.section:
        return _run_section(options)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    signal.signal(signal.SIGTERM, _interrupt)
    wanted = options.only or [s.name for s in SECTIONS if not options.tiny or s.name in TINY_SECTIONS]
    refused = False

    def without_cuda(name: str, entry: Mapping[str, Any]) -> bool:
        nonlocal refused
        refused = options.device != "cpu" and entry.get("results", {}).get("cuda") is False
        return refused

    def command(name: str, findings: Path) -> list[str]:
        words = [sys.executable, "-m", "benchmarks.gpu_check", "--section", name, "--device", options.device]
        return [*words, "--out", str(findings), *(["--tiny"] if options.tiny else [])]

    out = None if options.out is None else options.out.resolve()
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
    sections = [section for section in SECTIONS if section.name in wanted]
    report = run_sections(sections, command, options.seconds, out, without_cuda)
    if refused:
        print(NO_CUDA, file=sys.stderr)
        return 2
    print(json.dumps(report))
    return 0 if all(entry["state"] in ("measured", "skipped") for entry in report.values()) else 1


def _run_section(options: argparse.Namespace) -> int:
    """Measure one section in this process and write its findings."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch

    from benchmarks.gpu_check.sections import SECTIONS as MEASURES
    from benchmarks.gpu_check.setting import Setting

    findings = Findings(options.out)
    with findings.part(options.section):
        MEASURES[options.section](Setting(torch.device(options.device), options.tiny), findings)
    return 1 if findings.errors else 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    names = [section.name for section in SECTIONS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_check", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file, written after every section")
    parser.add_argument("--device", default="cuda", help="cuda by default; cuda:1 and so on")
    parser.add_argument("--tiny", action="store_true", help="a tiny model and one repetition, to try the program")
    parser.add_argument("--only", action="append", choices=names, help="section to run; may be repeated")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"for all sections together, {SECONDS:.0f}")
    parser.add_argument("--section", choices=names, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
