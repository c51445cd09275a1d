"""What the table's script sends: one typed message for each of its events that bring something."""

from __future__ import annotations

from typing import Literal

from demo.shared.messages import ScriptMessage
from osprey_core.errors import InputError


class DescribeMessage(ScriptMessage):
    """Everything is to be described, in words of this style."""

    style: Literal["short", "detailed", "category"] = "short"

    @classmethod
    def refusal(cls) -> InputError:
        """As the job itself says it."""
        return InputError("page.bad_gesture")


class RowMessage(ScriptMessage):
    """A row that is to become a region: its place among the segments, and the digest of the table's picture."""

    index: int
    picture: str | None = None

    @classmethod
    def refusal(cls) -> InputError:
        """As the marking itself says it."""
        return InputError("page.bad_gesture")
