"""The page with fakes as a program of its own, which a test can kill: `python -m tests.served_page PORT EXAMPLES`."""

from __future__ import annotations

import sys
from pathlib import Path

from demo.app import build_app
from demo.launch import launch
from demo.options import Options
from tests import fakes

if __name__ == "__main__":
    app = build_app(fakes.FakeModel(), fakes.FakeSegmenter(), Options(), Path(sys.argv[2]))
    app.queue(default_concurrency_limit=4)
    launch(app, "127.0.0.1", int(sys.argv[1]), quiet=True)
