"""`python -m osprey_core.convert SRC DST`; see `osprey_core.cli.convert`."""

import sys

from osprey_core.cli.convert import main
from osprey_core.io.streams import tolerate_any_encoding

__all__ = ["main"]

if __name__ == "__main__":
    tolerate_any_encoding()
    sys.exit(main())
