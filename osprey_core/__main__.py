"""`python -m osprey_core ask …`, `describe …` and `find …`; see `--help`."""

from __future__ import annotations

import sys

from osprey_core.io.streams import tolerate_any_encoding
from osprey_core.runtime.threads import settle_threads

if __name__ == "__main__":
    settle_threads()
    from osprey_core.cli.commands import main

    tolerate_any_encoding()
    sys.exit(main(sys.argv[1:]))
