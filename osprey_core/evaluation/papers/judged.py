"""Benchmarks with a judge: Ferret-Bench and detailed descriptions (Osprey, tables 6 and 7).

A judge model reads what is known of the picture, the question, a reference answer and the model's, and scores both from
1 to 10. The result is the ratio of the sums. Any model behind an OpenAI-compatible endpoint can judge; figures of
different judges cannot be compared, so the judge is named beside them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from osprey_core.backends.completions import Retries, complete
from osprey_core.backends.openai_model import OpenAIEndpoint, OpenAIModel
from osprey_core.errors import InputError
from osprey_core.evaluation.measures import resampled
from osprey_core.evaluation.papers.answer_log import AnswerLog
from osprey_core.evaluation.papers.items import (
    DOTTED_OVERVIEW,
    AskedAs,
    Item,
    Outcome,
    decode,
    find_picture,
    objects,
    read_json,
)
from osprey_core.language.sampling import SamplingSettings

ASKED_AS = AskedAs(DOTTED_OVERVIEW)

JUDGE_SYSTEM = "You compare answers carefully and fairly, and you keep to the form that is asked for."
JUDGE_RULE = (
    "Two assistants were asked the question above about a picture. You cannot see the picture; what is known of it is "
    "given as context, with boxes as (x1, y1, x2, y2) from 0 to 1. Judge how helpful, relevant, accurate and detailed "
    "each answer is. Write on the first line nothing but two numbers from 1 to 10, the score of Assistant 1 and that "
    "of Assistant 2, with a space between them. Explain your scores below. The order of the answers must not matter."
)
"""Used where the benchmark's own rules are not given."""
JUDGE_TEMPERATURE = 0.2
ASKED_AGAIN = 2
"""Times that a judge is asked again whose answer does not begin with two numbers."""

_SCORES = re.compile(r"\s*(?:Scores?:)?\s*(\d+(?:\.\d+)?)\s*[,; /]\s*(\d+(?:\.\d+)?)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Case:
    """What a judge is told besides the model's answer."""

    category: str
    question: str
    context: str
    reference: str
    rule: str
    role: str


def read_items(
    file: Path, pictures: Path, contexts: Path, references: Path, rules: Path | None, limit: int | None = None
) -> list[Item]:
    """Items of questions with their contexts (found by picture), reference answers (by question id) and rules.

    The files are lists or one object a line: questions {question_id, image, category, text, annotation}, whose text
    calls the region "<region>"; contexts {image, prompt | text}; answers {question_id, text}; rules {category:
    {role, prompt}}.

    Raises InputError where one of them is another file, or a question has no context or reference.
    """
    told = {
        str(entry["image"]): str(entry.get("prompt", entry.get("text", "")))
        for entry in objects(read_json(contexts), contexts, "image")
    }
    answered = {
        str(entry["question_id"]): str(entry["text"])
        for entry in objects(read_json(references), references, "question_id", "text")
    }
    by_category: dict[str, Any] = read_json(rules) if rules is not None else {}
    if not isinstance(by_category, dict):
        raise InputError("papers.file_foreign", path=str(rules))
    items = []
    needed = ("question_id", "image", "category", "text", "annotation")
    for entry in objects(read_json(file), file, *needed)[:limit]:
        key, category = str(entry["question_id"]), str(entry["category"])
        if entry["image"] not in told or key not in answered:
            raise InputError("papers.question_alone", path=str(file), question=key)
        rule = by_category.get(category, {})
        picture = find_picture(pictures, str(entry["image"]))
        annotations = entry["annotation"] if isinstance(entry["annotation"], list) else [entry["annotation"]]
        question = str(entry["text"])
        case = Case(
            category, question, told[entry["image"]], answered[key], rule.get("prompt", JUDGE_RULE),
            rule.get("role", "Assistant"),
        )  # fmt: skip
        asked = question.replace("<region>", "<region1>")
        items.append(Item(key, picture, asked, partial(_masks, picture, annotations), case))
    return items


def _masks(picture: Path, annotations: Sequence[Mapping[str, Any]]) -> tuple[np.ndarray, ...]:
    """The regions; their outlines do not tell the picture's size."""
    with Image.open(picture) as opened:
        size_hw = (opened.height, opened.width)
    return tuple(decode(annotation.get("segmentation"), size_hw) for annotation in annotations)


def judge_prompt(case: Case, answer: str) -> str:
    """What the judge is asked, in the order of the released evaluation: context, question, both answers, rule."""
    parts = [("Context", case.context), ("Question", case.question)]
    text = "".join(f"[{title}]\n{content}\n\n" for title, content in parts)
    for number, said in enumerate((case.reference, answer), 1):
        text += f"[{case.role} {number}]\n{said}\n\n[End of {case.role} {number}]\n\n"
    return f"{text}[System]\n{case.rule}\n\n"


def read_scores(review: str) -> tuple[float, float] | None:
    """The two scores of a review's first line, from 1 to 10; None where there are none."""
    lines = review.strip().splitlines()
    match = _SCORES.fullmatch(lines[0]) if lines else None
    scores = (float(match[1]), float(match[2])) if match else None
    return scores if scores is not None and all(1 <= score <= 10 for score in scores) else None


def judge(
    items: Sequence[Item], answers: Mapping[str, str], judge_name: str, file: Path, retries: Retries | None = None
) -> dict[str, Any]:
    """The judge's scores [reference, model] by key, None where it gave none. Kept in the file; resumable.

    Raises InputError where the judge's endpoint refuses or stays silent, or the file is another judge's.
    """
    model = OpenAIModel(OpenAIEndpoint.of(judge_name))
    log = AnswerLog(file, {"judge": judge_name})
    for item in tqdm(items, desc="judged", mininterval=5):
        if item.key in log.entries and log.entries[item.key]["answer"] == answers[item.key]:
            continue
        prompt = judge_prompt(item.truth, answers[item.key])
        messages = [{"role": "system", "content": JUDGE_SYSTEM}, {"role": "user", "content": prompt}]
        for attempt in range(ASKED_AGAIN + 1):
            settings = SamplingSettings(JUDGE_TEMPERATURE, 1.0, 1024, attempt)
            review = complete(model, messages, settings, retries).text
            scores = read_scores(review)
            if scores is not None:
                break
        log.add(item.key, {"scores": scores, "answer": answers[item.key], "review": review})
    return {item.key: log.entries[item.key]["scores"] for item in items}


def cut_answer(answer: str) -> str:
    """What the released evaluation of descriptions keeps of an answer: what stands between its first two colons."""
    return answer.strip().split(":")[1] if ":" in answer else answer.strip()


def measure(items: Sequence[Item], scores: Mapping[str, Any], judge_name: str) -> Outcome:
    """100 · Σ model / Σ reference of each category, with intervals over questions."""
    outcome = Outcome(notes=[f"Judge: {judge_name}. Figures of different judges cannot be compared."])
    for category in dict.fromkeys(item.truth.category for item in items):
        pairs = [scores[item.key] for item in items if item.truth.category == category]
        judged = [(float(pair[0]), float(pair[1])) for pair in pairs if pair is not None]
        outcome.scores[category] = resampled(
            judged, lambda chosen: 100 * sum(own for _, own in chosen) / sum(reference for reference, _ in chosen)
        )
        if len(judged) < len(pairs):
            outcome.notes.append(f"{category}: {len(pairs) - len(judged)} of {len(pairs)} answers got no scores.")
    return outcome
