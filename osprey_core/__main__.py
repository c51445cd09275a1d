"""`python -m osprey_core ask …` and `python -m osprey_core describe …`; see `--help`."""

from __future__ import annotations

import sys

from .command_line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
