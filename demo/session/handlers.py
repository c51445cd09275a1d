"""The names of the modules into which this one was split, until all who use it import from there."""

from __future__ import annotations

from demo.jobs.answers import Progress, answer, stop
from demo.jobs.cancellation import turn
from demo.jobs.captions import describe_everything, stop_describing
from demo.jobs.decoding import Decode, decode, opened_view
from demo.jobs.requests import (
    AnalysisResult,
    AnyRequest,
    Caption,
    DescribeRequest,
    Piece,
    RegionToken,
    Request,
    request_of,
)
from demo.session.conversation import (
    MAX_QUESTION_CHARACTERS,
    Style,
    ask,
    clear_chat,
    preset_question,
    rate,
    retry,
    told_to_model,
    undo_turn,
)
from demo.session.examples import Example, find_examples
from demo.session.marks import (
    Action,
    mark_box,
    mark_brush,
    mark_point,
    mark_polygon,
    other_extent,
    refine_mark,
    take_segment,
)
from demo.session.pictures import find_example, open_address, open_example, open_picture
from demo.session.regions import (
    MAX_NAME_CHARACTERS,
    Reshape,
    clear_regions,
    delete_region,
    load_masks,
    merge_regions,
    rename_region,
    reshape_region,
    select_region,
    show_region,
    subtract_region,
    undo,
)
from demo.session.segments import find_everything
from demo.session.services import Services
from osprey_core.errors import InputError

__all__ = [
    "MAX_NAME_CHARACTERS",
    "MAX_QUESTION_CHARACTERS",
    "Action",
    "AnalysisResult",
    "AnyRequest",
    "Caption",
    "Decode",
    "DescribeRequest",
    "Example",
    "InputError",
    "Piece",
    "Progress",
    "RegionToken",
    "Request",
    "Reshape",
    "Services",
    "Style",
    "answer",
    "ask",
    "clear_chat",
    "clear_regions",
    "decode",
    "delete_region",
    "describe_everything",
    "find_everything",
    "find_example",
    "find_examples",
    "load_masks",
    "mark_box",
    "mark_brush",
    "mark_point",
    "mark_polygon",
    "merge_regions",
    "open_address",
    "open_example",
    "open_picture",
    "opened_view",
    "other_extent",
    "preset_question",
    "rate",
    "refine_mark",
    "rename_region",
    "request_of",
    "reshape_region",
    "retry",
    "select_region",
    "show_region",
    "stop",
    "stop_describing",
    "subtract_region",
    "take_segment",
    "told_to_model",
    "turn",
    "undo",
    "undo_turn",
]
