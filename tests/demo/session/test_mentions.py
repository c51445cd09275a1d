"""How a person names regions in a question."""

from __future__ import annotations

import pytest

from demo.session import mentions


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("@1", [1]),
        ("a @2, @10. <region3>@2", [2, 10, 3]),
        ("me@2nd.org and a@1 and @1st and @@1", []),
        ("<region> <mask> <image> </s>", []),
    ],
)
def test_mentions(text: str, numbers: list[int]) -> None:
    assert mentions.mentioned(text) == numbers
