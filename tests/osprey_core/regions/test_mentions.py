"""Regions in texts: what is a mention, and what only looks like one."""

from typing import Any

import pytest

from osprey_core.regions import mentions
from osprey_core.regions.mentions import REGION_TAG, REGION_WORD


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("<region1> and <region12>", ["1", "12"]),
        ("<region999999>", ["999999"]),
        ("<region>, <region1234567>, <Region1>, <region 1>, region1", []),
    ],
)
def test_a_tag_is_written_exactly_so(text: str, numbers: Any) -> None:
    assert REGION_TAG.findall(text) == numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Region 2 is left of region3 and <region4>.", ["2", "3", "4"]),
        ("region1000", ["1000"]),
        ("subregion1, region1st, region_1", []),
    ],
)
def test_an_answer_names_regions_in_several_ways(text: str, numbers: Any) -> None:
    assert [match[1] or match[2] for match in REGION_WORD.finditer(text)] == numbers


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
