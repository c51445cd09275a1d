"""The terminal's streams: text that a terminal or a redirected file cannot encode never ends the program."""

from __future__ import annotations

import io
import os
import sys


def tolerate_any_encoding() -> None:
    """Let stdout and stderr show a "?" for characters that their encoding lacks; closed ones swallow what is written.

    Redirected output has the system's code page on some systems, which lacks most of Unicode.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # started without a terminal, or with the stream closed
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 -- lives as long as the program
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
