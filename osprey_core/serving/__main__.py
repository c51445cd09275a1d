"""`python -m osprey_core.serving export MODEL FOLDER`: the language model for a vLLM server."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from osprey_core.engine import Osprey
from osprey_core.errors import OspreyError
from osprey_core.runtime.choices import DTYPES
from osprey_core.serving.export import export_language_models


def main(words: Sequence[str]) -> int:
    """Run the command. Returns the exit code: 0, or 1 with a sentence on standard error."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.serving", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("export", help="write a model's language model as a plain LLaMA")
    export.add_argument("model", help="nano, a folder, or a repository id")
    export.add_argument("folder", type=Path, help="what vLLM loads; a second one, -photographs, where there are two")
    export.add_argument("--dtype", default="auto", choices=("auto", *DTYPES), help="of the weights")
    export.add_argument("--adapter", type=Path, help="a LoRA adapter that becomes part of the weights")
    options = parser.parse_args(words)
    try:
        model = Osprey.from_pretrained(options.model, "cpu", options.dtype, cache_bytes=0, adapter=options.adapter)
        for folder in export_language_models(model, options.folder):
            print(folder)
    except OspreyError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
