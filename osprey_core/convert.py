"""`python -m osprey_core.convert SRC DST`; see `osprey_core.cli.convert`."""

import sys

from osprey_core.cli.convert import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
