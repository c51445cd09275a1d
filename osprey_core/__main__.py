"""`python -m osprey_core ask …`, `describe …` and `find …`; see `--help`."""

from __future__ import annotations

import sys

from osprey_core.cli.commands import main
from osprey_core.io.streams import tolerate_any_encoding

if __name__ == "__main__":
    tolerate_any_encoding()
    sys.exit(main(sys.argv[1:]))
