"""What the chat's scripts may send."""

from __future__ import annotations

import pytest

from demo.chat.messages import replaced_turn
from osprey_core.errors import InputError


def test_the_turn_that_is_being_edited() -> None:
    assert replaced_turn({"editing": 4}) == 4
    for nothing in (None, "", {}, {"editing": None}):
        assert replaced_turn(nothing) is None


@pytest.mark.parametrize("wrong", ["x", {"editing": "4"}, {"editing": 4.0}, {"editing": True}, [4]])
def test_anything_else_is_refused(wrong: object) -> None:
    with pytest.raises(InputError):
        replaced_turn(wrong)
