"""Messages from the table's script: one type for each event that carries data."""

from __future__ import annotations

from typing import Literal

from demo.shared.messages import ScriptMessage
from osprey_core.errors import InputError


class DescribeMessage(ScriptMessage):
    """Describe all segments in this style, or by the classes of a vocabulary."""

    style: Literal["short", "detailed", "category"] = "short"
    vocabulary: Literal["", "coco", "lvis", "ade20k", "cityscapes", "own"] = ""
    """Empty for the style."""
    labels: str = ""
    """The person's labels, for the vocabulary "own"."""

    @classmethod
    def refusal(cls) -> InputError:
        """The same error that the captions job raises."""
        return InputError("page.bad_gesture")


class RowMessage(ScriptMessage):
    """Make a row a region: the segment's index, and the digest of the table's picture."""

    index: int
    picture: str | None = None

    @classmethod
    def refusal(cls) -> InputError:
        """The same error that marking raises."""
        return InputError("page.bad_gesture")
