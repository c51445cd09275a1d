"""Cycles are looked for rarely while the program starts, and as usual afterwards."""

from __future__ import annotations

import gc

from demo.shared import garbage


def test_collecting_is_rare_until_it_is_usual_again() -> None:
    usual = gc.get_threshold()
    garbage.collect_rarely()
    try:
        assert gc.isenabled()
        assert gc.get_threshold()[0] > usual[0]
    finally:
        garbage.collect_as_usual()
    assert gc.get_threshold() == usual


def test_what_there_is_is_looked_through_no_more() -> None:
    try:
        garbage.collect_no_more()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
