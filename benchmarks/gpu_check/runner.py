"""Runs sections one after another, each as a process with a time limit, and collects what they wrote.

It imports neither torch nor the model, so that nothing of a section can harm it. It does not know what is measured.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.gpu_check.findings import write_json

log = logging.getLogger("benchmarks.gpu_check")

ROOT = Path(__file__).parents[2]

LEAST_SECONDS = 10.0
"""A section is not begun with less time left: importing the libraries alone takes most of it."""

_SHOWN_OUTPUT = 1500

Command = Callable[[str, Path], list[str]]
"""From a section's name and the file for its findings to the command that runs it."""


@dataclass(frozen=True)
class Section:
    """One section: its name, its time limit, and the modules without which it is skipped."""

    name: str
    seconds: float
    needs: tuple[str, ...] = ()


def run_sections(
    sections: Iterable[Section],
    command: Command,
    seconds: float,
    out: Path | None = None,
    stop_after: Callable[[str, Mapping[str, Any]], bool] | None = None,
) -> dict[str, dict[str, Any]]:
    """Run sections in order.

    Args:
        seconds: time limit of all of them together.
        out: file that holds the findings so far after each section; None for none.
        stop_after: given a section's name and findings, whether to run no further one.

    Returns:
        by section {"state": "measured", "failed", "stopped" or "skipped", "seconds", "results", "errors", …}; a skipped
        one has a "reason", one that ended badly the end of its "output".
    """
    deadline = time.monotonic() + seconds
    found: dict[str, dict[str, Any]] = {}
    for section in sections:
        left = deadline - time.monotonic()
        missing = [name for name in section.needs if not _is_installed(name)]
        if missing:
            found[section.name] = {"state": "skipped", "reason": f"not installed: {', '.join(missing)}"}
        elif left < LEAST_SECONDS:
            found[section.name] = {"state": "skipped", "reason": f"of {seconds:.0f} seconds {left:.0f} were left"}
        else:
            log.info("%s …", section.name)
            found[section.name] = {"state": "stopped", "results": {}, "errors": {}}
            run_section(section.name, command, min(section.seconds, left), found[section.name])
        log.info("%s: %s", section.name, found[section.name]["state"])
        if out is not None:
            write_json(out, found)
        if stop_after is not None and stop_after(section.name, found[section.name]):
            break
    return found


def run_section(name: str, command: Command, seconds: float, entry: dict[str, Any]) -> None:
    """Run one section and put what it found into `entry`, also if it is stopped or this process is interrupted."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path, output = Path(folder) / "findings.json", Path(folder) / "output.txt"
        with output.open("wb") as sink:
            process = subprocess.Popen(
                command(name, path), cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                entry["reason"] = f"stopped after {seconds:.0f} seconds"
            finally:
                if process.poll() is None:
                    _kill(process)
                entry["seconds"] = round(time.monotonic() - began, 1)
                entry.update(_read(path))
                if process.returncode:
                    entry["output"] = output.read_text("utf-8", errors="replace")[-_SHOWN_OUTPUT:]
    if "reason" not in entry:
        entry["state"] = "failed" if process.returncode or entry["errors"] else "measured"


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # half installed
        return False


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a section and what it started."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # it ended before its first figure
        return {}
    return values if isinstance(values, dict) else {}
