"""Convert a checkpoint once to our own layout: `python -m osprey_core.convert SRC DST`."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from osprey_core.engine import Osprey
from osprey_core.errors import OspreyError
from osprey_core.runtime.checkpoint import check_writable
from osprey_core.runtime.choices import DTYPES

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Convert; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.convert", description=__doc__)
    parser.add_argument("source", help="a folder or Hub repository id of a published checkpoint")
    parser.add_argument("destination", help="folder to write config.json, model.safetensors and tokenizer.json to")
    parser.add_argument("--revision", help="branch, tag or commit on the Hub")
    parser.add_argument("--adapter", metavar="FOLDER", help="a LoRA adapter (peft) to add to the weights")
    parser.add_argument("--verify", action="store_true", help="check the sums of files downloaded earlier")
    parser.add_argument("--dtype", choices=sorted(DTYPES), default="float16", help="precision of the written tensors")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if not options.destination.strip():
        log.error("The destination is empty; give a folder.")
        return 2
    if Path(options.source).resolve() == Path(options.destination).resolve():
        log.error("Source and destination are the same folder; give another destination.")
        return 2
    try:
        check_writable(Path(options.destination))  # told before the slow loading
        # Loaded in the precision to be written: converting needs no more memory than the result.
        model = Osprey.from_pretrained(
            options.source,
            "cpu",
            options.dtype,
            options.revision,
            adapter=options.adapter,
            verify=options.verify,
        )
        model.save(options.destination)
    except OspreyError as error:
        log.error("%s", error)
        return 2
    log.info("Wrote %s as %s to %s.", options.source, options.dtype, options.destination)
    return 0
