"""Gradio is imported without writing stubs, and its components are the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

CODE = """
import sys
from pathlib import Path
from demo.shared.gradio_stubs import leave_out_stubs
finders = list(sys.meta_path)
leave_out_stubs()
leave_out_stubs()
written = []
real = Path.write_text
Path.write_text = lambda self, *args, **kwargs: written.append(str(self))
read = []
real_read = Path.read_text
Path.read_text = lambda self, *args, **kwargs: (read.append(str(self)), real_read(self, *args, **kwargs))[1]
import gradio
assert not [path for path in (*read, *written) if path.endswith(".pyi")], (read, written)
assert [finder for finder in sys.meta_path if finder in finders] == finders
assert not any(type(finder).__module__.startswith("demo") for finder in sys.meta_path)
leave_out_stubs()
assert not any(type(finder).__module__.startswith("demo") for finder in sys.meta_path)
class Own(gradio.Button):
    EVENTS = ["click", "change"]
with gradio.Blocks() as page:
    Own("a").change(lambda: None)
    gradio.Image().upload(lambda: None)
print(len(page.fns), [event for event in Own.EVENTS])
"""


def test_no_stub_is_read_or_written_and_components_have_their_events() -> None:
    told = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert told.stdout.strip() == "2 ['click', 'change']", told.stderr
