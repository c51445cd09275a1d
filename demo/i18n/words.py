"""Every word that a person sees, in one place, in English. `words_ko.py` and `words_zh.py` hold the same names.

Texts with {braces} are filled with str.format. Inside functions `words.X` is in the language of the person for whom
the function runs (see `language.py`); so read words there, not while a module is imported.
"""

from __future__ import annotations

import sys
from typing import Any

from demo.i18n import language

# --- header ----------------------------------------------------------------------------------------------------------
TITLE = "Osprey"
LANGUAGE = "Language"
TAGLINE = "Mark any part of a picture, then ask about exactly those pixels."
STATUS_LOADING = "Loading {name} …"
STATUS_FAILED = "{name} is not available."
STATUS_MODEL = "Model"
STATUS_SECOND = "Second model"
STATUS_SEGMENTER = "Segmenter"
NOTE_EMBEDDED = (
    "Small built-in model: it learned from drawn scenes (emoji-like things), not from photographs. "
    "Ask it what a thing is, its colour, where it is, or how two things relate."
)
NOTE_MORE = "For photographs …"
NOTE_FULL_MODEL = "Photographs need the full 7B model and a GPU. Start the program with:"
NOTE_FULL_COMMAND = "python app.py --model sunshine-lwt/Osprey-7b"
LOADING_FAILED = "{name} could not be loaded; the log of the program says why."

# --- canvas (the keys are used by canvas.js) --------------------------------------------------------------------------
CANVAS = {
    "tools": "Marking tools",
    "point": "Click",
    "box": "Box",
    "polygon": "Polygon",
    "brush": "Brush",
    "pointTip": "Click on a thing and its outline is found (P)",
    "boxTip": "Drag a box around a thing (B)",
    "polygonTip": "Click corner after corner; close it on the first corner, by a double click or with Enter (O)",
    "everything": "Everything",
    "everythingTip": "All that stands out is outlined; click what you want (E)",
    "brushTip": "Paint the pixels yourself (R)",
    "actions": "What marking does",
    "new": "New",
    "add": "Add",
    "remove": "Remove",
    "newTip": "Each mark makes a new region (N)",
    "addTip": "Marks extend the selected region (+)",
    "removeTip": "Marks take away from the selected region (−); Shift or the right button does so at any time",
    "size": "Brush size",
    "undo": "Undo",
    "undoTip": "Undo the last change of regions (Ctrl+Z)",
    "clear": "Clear",
    "clearTip": "Remove all regions",
    "save": "Save",
    "saveTip": "Save picture, regions and conversation as a zip (with masks, COCO JSON, Markdown); open it to go on",
    "choose": "Open picture",
    "chooseMask": "Mask file",
    "chooseMaskTip": "Regions from a file: a black and white or transparent picture, COCO JSON or labelme JSON",
    "chooseTip": "Open another picture, or a saved zip; you can also drop or paste one anywhere on the page",
    "dropTitle": "Open a picture to begin",
    "dropText": "Drop it here, paste it, or choose a file.",
    "address": "Web address of a picture",
    "addressOpen": "Open",
    "dropExamples": "Or start with an example:",
    "dropNow": "Drop the picture to open it",
    "examples": "Examples",
    "pictures": "Open pictures",
    "turnTo": "{name}: bring it to the front",
    "closePicture": "Close {name}",
    "closeSure": "Click again to close this picture with its regions and chat.",
    "inFront": "{name} is in front; its regions: {count}.",
    "opening": "Opening the picture …",
    "finding": "Finding the outline …",
    "findingAll": "Finding everything …",
    "fitting": "Fitting it to the outline …",
    "captions": "Captions",
    "captionsTip": "Names and descriptions on the picture, where they fit (C)",
    "renameHint": "Name",
    "changed": "Region {number} is now {percent} of the picture.",
    "gone": "Region {number} deleted.",
    "cleared": "All regions removed.",
    "named": "Region {number} is called {name}.",
    "unnamed": "Region {number} has no name any more.",
    "hid": "Region {number} hidden.",
    "shown": "Region {number} shown.",
    "chosen": "Region {number} selected.",
    "boxBegun": "Box begun; the arrow keys draw it, Enter ends it, Escape gives it up.",
    "strokeBegun": "Stroke begun; the arrow keys paint, Enter ends it, Escape gives it up.",
    "fit": "Fit to outline",
    "fitTip": (
        "Off: what you draw is the mask, pixel by pixel. On: the outline that fits it best takes its place; "
        "undo brings your mark back (F)"
    ),
    "segmentsFound": "{count} outlines found.",
    "nothingFound": "Nothing stands out in this picture; mark with a click, a box or the brush.",
    "noSegment": "There is no outline here; click inside one, or use another tool.",
    "hintPoint": "Click on anything to mark it.",
    "hintBox": "Drag a box around something to mark it.",
    "hintPolygon": "Click the corners of an outline, three or more; the first corner closes it.",
    "hintCorners": "Close it on the first corner or with Enter; Backspace takes the last corner back, Escape gives up.",
    "hintEverything": "Click an outline to take it as a region; click there again for the larger whole.",
    "hintBrush": "Paint over something to mark it.",
    "hintAdd": "Click, box or paint what also belongs to region {number}.",
    "hintRemove": "Click, box or paint what does not belong to region {number}.",
    "hintRefine": "Shift or right button: take something away from region {number}.",
    "hintMany": "Mention regions in your question as @1, @2 …",
    "canvas": "Picture. Arrow keys move the cross, Enter marks, Shift and Enter take away.",
    "regions": "Regions",
    "noRegions": "Regions you mark are listed here.",
    "region": "Region {number}, {percent} of the picture",
    "select": "Ask about region {number}",
    "mention": "Mention region {number} in the question",
    "extent": "Region {number}: a smaller part, or the larger whole",
    "delete": "Delete region {number}",
    "more": "More for region {number}",
    "rename": "Rename …",
    "renamePrompt": "Name of region {number}:",
    "show": "Show",
    "hide": "Hide",
    "grow": "Grow by a pixel",
    "shrink": "Shrink by a pixel",
    "fill": "Fill holes",
    "largest": "Keep the largest piece",
    "invert": "Invert",
    "merge": "Merge with @{other}",
    "subtract": "Without the pixels of @{other}",
    "tooLarge": "This file is larger than {limit} MB; shrink the picture and try again.",
    "camera": "Camera",
    "cameraTip": "Take a picture with the camera",
    "cameraPreview": "What the camera sees",
    "cameraTake": "Take",
    "cameraCancel": "Cancel",
    "cameraRefused": "The camera may not be used; allow it in the browser, or choose a file.",
    "cameraMissing": "No camera could be started; connect one, or choose a file.",
    "notPicture": "That is not a picture; use PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF.",
    "uploadFailed": "The picture could not be sent; check the connection and try again.",
    "marked": "Region {number} added, {percent} of the picture.",
}

EXAMPLE_TITLES = {
    "Meadow": "Meadow",
    "Sea": "Sea",
    "Street": "Street",
    "Fruit": "Fruit",
    "Band": "Band",
    "Savanna": "Savanna",
    "Breakfast": "Breakfast",
    "Drawn village": "Drawn village",
    "Birds": "Birds",
    "Sweets": "Sweets",
    "Pets": "Pets",
    "Drawn toys": "Drawn toys",
}
"""Titles of the example pictures as their list names them; others are shown as they are."""

# --- everything, described (the keys are used by everything.js) -----------------------------------------------------
EVERYTHING = {
    "title": "Everything in the picture",
    "describe": "Describe all",
    "again": "Describe again",
    "stop": "Stop",
    "style": "How",
    "short": "Short",
    "detailed": "Detailed",
    "category": "Category",
    "progress": "{done} of {total}",
    "stopped": "stopped at {done} of {total}",
    "filter": "Filter",
    "thing": "Segment",
    "caption": "Description",
    "score": "Outline",
    "scoreTip": "How sure the segmenter is of this outline",
    "area": "Area",
    "take": "Ask about this: {text}",
    "none": "No description holds these words.",
}

# --- a closer look (the keys are used by closer.js) ------------------------------------------------------------------
CLOSER: dict[str, Any] = {
    "title": "A closer look",
    "close": "Close",
    "tabs": {
        "labels": "Your labels",
        "without": "With and without",
        "samples": "Samples",
        "inside": "Inside",
        "models": "Two models",
    },
    "intros": {
        "labels": "How likely is each of your labels to the model itself? Write them as it does: lion, not The Lion.",
        "without": "The same question with the region and without it. What stays the same without it is a guess.",
        "samples": "One question, answered several times: what changes from one to the next, the model is not sure of.",
        "inside": "Where the encoder finds the picture like the selected region, level by level, from fine to coarse.",
        "models": "The same question about the same region, answered by both models.",
    },
    "labels": "Labels, one per line or parted by commas",
    "labelsExample": "lion, giraffe, elephant",
    "which": "Regions",
    "all": "All regions",
    "selected": "Selected region",
    "rank": "Rank by",
    "sum": "Whole label",
    "mean": "Each token",
    "rankTip": "Each token: fairer to long labels, with flatter results",
    "judge": "Judge",
    "question": "Question",
    "questionTip": "Empty: the last question of the chat, or a short description",
    "alone": "Asked by itself, without the conversation.",
    "count": "Answers",
    "temperature": "Temperature",
    "ask": "Answer",
    "look": "Look inside",
    "stop": "Stop",
    "waiting": "Waiting for the model …",
    "stopped": "Stopped.",
    "old": "The region has changed since.",
    "gone": "The region is gone.",
    "unsure": "Not sure",
    "closeCall": "others come close",
    "offList": "it would rather say something that is not on the list",
    "onList": "{percent} that it says one of these",
    "moreLabels": "{count} more",
    "logTip": "log-likelihood {value}",
    "how": {
        "with": "With the region",
        "without": "Without the region",
        "where": "Only where it is",
        "what": "Only what is there",
    },
    "howTips": {
        "with": "Both of the region's tokens",
        "without": "Mask token and spatial token switched off: the picture as a whole, and language",
        "where": "Mask token switched off, spatial token on",
        "what": "Spatial token switched off, mask token on",
    },
    "sample": "Sample {number}",
    "seed": "seed {seed}",
    "same": "Same as with the region",
    "sameSample": "Same as sample {number}",
    "agree": "{different} different answers among {count}.",
    "agreeAll": "All {count} answers are the same.",
    "modelsAgree": "Both say the same.",
    "oneModel": "Only one model is loaded. To compare two, start the program with:",
    "oneModelCommand": "python app.py --compare-with MODEL",
    "tokens": "{count} tokens",
    "levels": {"res2": "finest", "res3": "fine", "res4": "coarse", "res5": "coarsest"},
    "level": "Level {level}, {look}: {width} × {height} positions",
    "unseen": "The region is too thin for this level: the model sees nothing of it here.",
    "map": "Likeness to region {number} on level {level}",
    "scale": "Colours: cosine similarity, from the lowest to the highest of each level",
    "announced": "{title}: done.",
    "nothing": "(no words came)",
    "chip": "Region {number}",
}

# --- chat ------------------------------------------------------------------------------------------------------------
CONVERSATION: dict[str, Any] = {
    "chat": "Conversation",
    "emptyTitle": "Ask about what you marked",
    "emptySteps": (
        "Mark something in the picture.",
        "Press one of the buttons, or type a question.",
        "Mark more, and mention regions: type @ to choose one.",
    ),
    "yourQuestion": "Your question",
    "answer": "Answer",
    "chip": "Region {number}",
    "chipGone": "Region {number}, which is no longer there",
    "copyQuestion": "Copy the question",
    "copyAnswer": "Copy the answer",
    "copied": "Copied.",
    "editQuestion": "Change this question and ask it again (↑ in the empty box)",
    "editing": "Your next question replaces this one.",
    "cancelEdit": "Keep it",
    "like": "Good answer",
    "dislike": "Bad answer",
    "stats": "How this answer was made",
    "down": "To the newest answer",
    "pick": "Regions to mention",
    "pickMany": "{count} regions to choose from; arrow keys and Enter.",
    "region": "Region {number}",
}
"""The keys are used by chat.js and chat_mentions.js."""
OWN_QUESTIONS = {
    "all": "Your own questions",
    "keep": "Keep as a button",
    "keepTip": "Keep the question in the box as a button of yours, in this browser",
    "forget": "Remove the button “{text}”",
}
"""The keys are used by chat_presets.js."""
QUESTION = "Question"
QUESTION_PLACEHOLDER = "Ask about the selected region, or mention others: @1, @2 …"
SEND = "Ask"
STOP = "Stop"
RETRY = "Try again"
UNDO_TURN = "Undo"
CLEAR_CHAT = "Clear chat"
PRESETS = {
    "short": "Short description",
    "detailed": "Detailed description",
    "category": "Category",
    "around": "What is around it?",
    "relation": "How do they relate?",
    "compare": "Compare all",
}
ABOUT_NONE = "Mark something in the picture to ask about it."
ABOUT_SELECTED = "Your question is about"
ABOUT_SUGGESTIONS = "Try:"
WAITING_FOR_MODEL = "The model is still loading; your question is next …"
WAITING_IN_QUEUE = "Waiting for the model …"
LOOKING = "Looking …"
STOPPED = "stopped"
CUT_OFF = "cut off at the token limit"
NO_ANSWER = "(no words came)"
TRIMMED_ONE = "The conversation is long: its oldest turn was left out so that your question fits."
TRIMMED_MANY = "The conversation is long: its {count} oldest turns were left out so that your question fits."

SETTINGS = "Settings"
TEMPERATURE = "Temperature"
TEMPERATURE_INFO = "0: always the likeliest word"
TOP_P = "Top-p"
TOP_P_INFO = "share of likely words to choose from"
MAX_NEW_TOKENS = "Longest answer, in tokens"
SEED = "Seed"
SEED_INFO = "empty: another one every time"

STATS_MODEL = "Model"
STATS_TOKENS = "Tokens"
STATS_TOKENS_OF = "{new_tokens} written, {prompt_tokens} read"
STATS_FIRST = "First token"
STATS_FIRST_AFTER = "after {seconds:.2f} s"
STATS_RATE = "Speed"
STATS_RATE_OF = "{rate:.1f} tokens per second"

# --- questions written by the page for the model ---------------------------------------------------------------------
ABOUT_REGION = "About {region}: {question}"
QUESTION_AROUND = "What is around {region}?"
QUESTION_COMPARE = "Compare {regions}: what do they have in common, and how do they differ?"
LIST_AND = " and "

# --- help ------------------------------------------------------------------------------------------------------------
HELP_BUTTON = "Help"
HELP = {"title": "How it works", "close": "Close help (Escape)"}
"""The keys are used by chat_help.js."""
HELP_STEPS = (
    "Open a picture, and mark a thing in it: click, box, polygon, brush, or let everything be outlined.",
    "Ask about it, or press one of the buttons. A question that names no region is about the selected one.",
    "Name regions by @ and their number, as many as you like. A click on a number in the chat selects its region.",
)
HELP_KEYS = (
    (
        "Picture",
        (
            ("P B O R E", "Click, box, polygon, brush, everything"),
            ("N + −", "New region, add to the selected one, remove from it"),
            ("Shift", "Held while marking: take away"),
            ("[ ]", "Smaller, larger brush"),
            ("F", "Brush and polygon: fit to the outline, or keep exactly what is drawn"),
            ("← ↑ → ↓", "Move the cross on the picture; with Shift by one pixel"),
            ("Enter", "Mark at the cross; begin and end a box or a stroke; close a polygon"),
            ("F2", "Rename the region that has the focus in the list"),
            ("C", "Captions on the picture, or none"),
            ("Delete", "Delete the selected region"),
            ("Ctrl+Z", "Undo the last change of regions"),
            ("Ctrl+V", "Open the picture in the clipboard, or at the address in it"),
            ("PageUp PageDown", "The picture before, the next picture of those that are open"),
        ),
    ),
    (
        "Question",
        (
            ("@", "Choose a region to mention"),
            ("Enter", "Ask"),
            ("Shift+Enter", "New line"),
            ("↑", "In the empty box: change the last question"),
            ("Escape", "Keep the last question as it was"),
        ),
    ),
    ("Page", (("?", "This sheet"), ("Tab", "To the next button, region or mention"))),
)
"""Titles, and for each its lines: keys set apart by spaces, and what they do."""


# --- sentences for what went wrong -----------------------------------------------------------------------------------
NO_PICTURE = "There is no picture yet; open one or choose an example."
NO_REGION = "Nothing is marked yet; click on something in the picture, or draw a box or a brush stroke over it."
ONE_REGION = "Only one region is marked; mark a second one to ask about both."
NO_QUESTION = "The question is empty; type one, or press one of the buttons."
LONG_QUESTION = "The question is longer than {limit} characters; shorten it."
BUSY = "An answer is still being written; wait for it, or stop it first."
UNKNOWN_REGION = "There is no region @{number}; marked are {numbers}."
NOTHING_TO_RETRY = "There is no question to try again; ask one first."
NOTHING_TO_TAKE_BACK = "There is no question to take back; ask one first."
NOTHING_TO_REMOVE_FROM = "There is no region to take anything away from; mark something first."
NOTHING_LEFT = "That would leave nothing of the region; delete it instead, or undo."
SAME_REGION = "That is the same region; choose another one."
MANY_MASKS = "The file holds {count} masks, more than the {limit} that can be shown; split it."
LONG_NAME = "A name may have at most {limit} characters; shorten it."
BUSY_DESCRIBING = "Everything is being described already; wait for it, or stop it first."
ALL_HIDDEN = "All regions are hidden; show one, or choose the selected region."
UNKNOWN_CHOICE = "There is no such choice; take one of those that are offered."
FEW_LABELS = "Type at least two different labels, one per line or parted by commas."
LONG_LIST = "The list of labels is longer than {limit} characters; shorten it."
BAD_COUNT = "There can be 2 to {limit} samples, not {value}."
COLD_SAMPLES = "At temperature 0 all samples are the same; choose a higher temperature."
ONE_MODEL = "Only one model is loaded; start the program with --compare-with and the other one's name."
NOTHING_STANDS_OUT = "Nothing stands out in this picture; mark with a click, a box or the brush."
ONE_EXTENT = "There is no other extent for this region; refine it with Add and Remove."
NOT_REFINED = "No outline fits this mark, so it stays as you drew it; draw over more of the thing to fit it."
NOTHING_FOUND = "No outline was found there; click elsewhere, or paint it with the brush."
POLYGON_TOO_THIN = "That outline holds no pixel; set its corners farther apart."
OUTSIDE = "That is outside the picture; mark something inside it."
BOX_TOO_SMALL = "That box is too small; drag it over the whole thing."
BAD_GESTURE = "That mark could not be understood; please draw it again."
SEGMENTER_LOADING = "The segmenter is still loading; paint with the brush meanwhile, or try again in a moment."
UNKNOWN_EXAMPLE = "There is no such example picture; choose one from the list."
NO_ADDRESSES = "Addresses are not opened here; save the picture and open the file."
MANY_PICTURES = "You have {limit} pictures open; close one of them first."
PICTURE_CLOSED = "This picture is not open any more; open it again."
PICTURE_GONE = "Your picture is not kept here any more, because many people use this page; open it again."
SESSION_MISSING = "Give the session that open_picture returned."
SESSION_GONE = "This session is not kept any more; open the picture again and use the session that this returns."
UPLOAD_MISSING = "The picture did not arrive completely; send it again."
TOO_LARGE = "The file is larger than {limit} MB; shrink the picture and try again."
OUT_OF_MEMORY = (
    "There is not enough memory for this; start the program with a smaller --dtype (float16), with another --device, "
    "or with a smaller model."
)
OUT_OF_MEMORY_LOADING = (
    "{name} does not fit into memory; start the program with a smaller --dtype (float16), with another --device, or "
    "with a smaller model."
)
UNEXPECTED = "Something went wrong on our side; nothing is lost, please try again."
BAD_SETTINGS = "The settings must be numbers; correct them under Settings."

language.follow(sys.modules[__name__])
