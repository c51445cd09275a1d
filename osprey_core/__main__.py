"""`python -m osprey_core ask …`, `describe …` and `find …`; see `--help`."""

from __future__ import annotations

import io
import sys

from osprey_core.cli.commands import main

if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without all characters still shows the rest
    sys.exit(main(sys.argv[1:]))
