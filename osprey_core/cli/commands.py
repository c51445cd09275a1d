"""The command line: ask about regions of a picture, describe all regions of many pictures, find what a phrase names, or
score labels of one's own for regions.

python -m osprey_core ask cat.png --point 120,80 --question "What is this?"
python -m osprey_core describe photos/ --everything --out captions.json
python -m osprey_core find street.png "red car" --out masks.json
python -m osprey_core judge zoo.png "lion, giraffe" --point 120,80

Every failure is one sentence on stderr and exit code 2.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from osprey_core.cli.ask import ask
from osprey_core.cli.describe import describe
from osprey_core.cli.find import find
from osprey_core.cli.judge import judge
from osprey_core.cli.loaders import Loaders, load_model, load_segmenter_for
from osprey_core.cli.options import AskOptions, FindOptions, JudgeOptions, read_options
from osprey_core.errors import OspreyError, is_out_of_memory


def main(
    argv: Sequence[str], out: TextIO | None = None, errors: TextIO | None = None, loaders: Loaders | None = None
) -> int:
    """Run the command in `argv`. Returns the exit code: 0, 2 after a reported error, 130 when interrupted."""
    out, errors = out or sys.stdout, errors or sys.stderr
    loaders = loaders or Loaders(load_model, load_segmenter_for)
    try:
        options = read_options(argv)
        if isinstance(options, AskOptions):
            ask(options, loaders, out, errors)
            return 0
        if isinstance(options, FindOptions):
            find(options, loaders, out, errors)
            return 0
        if isinstance(options, JudgeOptions):
            judge(options, loaders, out, errors)
            return 0
        return 0 if describe(options, loaders, errors) else 2
    except OspreyError as error:
        errors.write(f"{error}\n")
    except KeyboardInterrupt:
        errors.write("\nInterrupted.\n")
        return 130
    except BrokenPipeError:  # the reader of the output has closed it
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        errors.write("There is not enough memory for this model and picture; use a smaller one or another --device.\n")
    return 2
