"""Regions as JSON results of endpoints, and endpoint errors as single sentences."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from demo.i18n.catalog import text
from demo.session.session import Region, RegionSnapshot, Session
from demo.shared.metrics import count_error
from demo.shared.problems import sentence_of
from osprey_core.regions import masks
from osprey_core.regions.rle import CodedMask

log = logging.getLogger(__name__)


@contextmanager
def errors_as_sentences() -> Iterator[None]:
    """Errors inside `with` become a gr.Error with one sentence, which the client raises."""
    try:
        yield
    except gr.Error:
        raise
    except Exception as error:
        count_error(error)
        sentence = sentence_of(error)
        if sentence is None:
            log.error("unexpected error in an endpoint", exc_info=error)
        raise gr.Error(sentence or text("page.unexpected"), print_exception=False) from error


def listed(value: Any) -> list[Any]:
    """The value if it is a list; anything else becomes an empty list."""
    return value if isinstance(value, list) else []


def region_result(region: Region) -> dict[str, Any]:
    """A region as callers read it: number, name, area, box_xyxy, rle."""
    return snapshot_result(region.snapshot(), region.name)


def snapshot_result(region: RegionSnapshot, name: str) -> dict[str, Any]:
    """As `region_result`, of a region as it was."""
    return {"number": region.number, "name": name, **mask_result(region.mask)}


def mask_result(stored: CodedMask) -> dict[str, Any]:
    """A mask as callers read it: area in pixels, box_xyxy, rle (COCO)."""
    return {"area": stored.area, "box_xyxy": list(masks.box_xyxy(stored.mask())), "rle": stored.rle()}


def selected_region(session: Session) -> dict[str, Any]:
    """The selected region as callers read it; empty if there is none."""
    region = session.region(session.selected)
    return region_result(region) if region is not None else {}
