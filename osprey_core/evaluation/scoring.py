"""Computes all scores of a model: asks held-out questions, judges the answers and sums up into JSON-ready values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tqdm import tqdm

from osprey_core.engine import Osprey
from osprey_core.evaluation.controls import CONTROLLED, CONTROLS, SHUFFLED, can_shuffle, plain
from osprey_core.evaluation.judges import YES_NO, is_right, is_true_color, semantic_iou, words_of
from osprey_core.evaluation.measures import Score, bootstrap, yes_no_measures
from osprey_core.evaluation.questions import LATER_TURNS, TOPICS, HeldOut, Question
from osprey_core.evaluation.sentence_similarity import MISSING, SentenceEncoder, semantic_similarity

COMMONEST = "always the commonest answer"
"""A baseline beside the controls: always giving the answer that is most often true for the kind of question."""

BORDERING = "colour, bordering names too"
"""The score "colour" where names count as right that border on the computed name and are true of the pixels too."""


@dataclass(frozen=True)
class Judged:
    """One answered question."""

    score: str
    seed: int
    question: Question
    answer: str
    right: bool
    control: str = ""

    def to_json(self) -> dict[str, Any]:
        """What was asked and said, without the masks."""
        asked = self.question
        return {
            "score": self.score, "kind": asked.kind, "control": self.control, "seed": self.seed,
            "question": asked.text, "truth": asked.answer, "answer": self.answer, "right": self.right,
        }  # fmt: skip


def answers(model: Osprey, pictures: Iterable[HeldOut], controls: bool = True) -> Iterator[Judged]:
    """Ask everything. Each picture is encoded once; with `controls`, some questions are asked in other ways too."""
    for picture in pictures:
        view = model.open(picture.image)
        for score, made, question in picture.asked:
            seed = made.scene.seed
            answer = plain(made, view, question)
            yield Judged(score, seed, question, answer, is_right(question, answer))
            if not controls or score not in CONTROLLED:
                continue
            for name, ask in CONTROLS.items():
                if name != SHUFFLED or can_shuffle(made, question):
                    answer = ask(made, view, question)
                    yield Judged(score, seed, question, answer, is_right(question, answer), name)


def evaluate(
    model: Osprey,
    pictures: Sequence[HeldOut],
    controls: bool = True,
    encode: SentenceEncoder | None = None,
) -> dict[str, Any]:
    """All scores of a model on held-out questions, JSON-ready; see `summarise`."""
    return summarise(answers(model, tqdm(pictures, desc="pictures", mininterval=10), controls), encode)


def summarise(judged: Iterable[Judged], encode: SentenceEncoder | None = None) -> dict[str, Any]:
    """Sum answered questions up; every figure is {value, low, high, count}. Scores without a question are left out.

    Returns:
        scores by name; yes_no, POPE's measures; by_kind, shares by kind of question; controls, shares by control and
        score. Without a sentence encoder there is no Semantic Similarity, and `notes` says so.
    """
    everything = list(judged)
    plainly = [answered for answered in everything if not answered.control]
    order = [*dict.fromkeys(topic.score for topic in TOPICS), LATER_TURNS]
    scores = {name: _share(answered for answered in plainly if answered.score == name) for name in order}
    named = [answered for answered in plainly if answered.score == "category"]
    true_names = [(answered.question.answer, *answered.question.accepted) for answered in named]
    overlaps = [semantic_iou(answered.answer, names) for answered, names in zip(named, true_names, strict=True)]
    scores["semantic IoU"] = bootstrap(overlaps)
    scores[BORDERING] = _bordering(plainly)
    if encode is not None:
        scores["semantic similarity"] = bootstrap(
            semantic_similarity([answered.answer.lower().strip(" .") for answered in named], true_names, encode)
        )
    singles = [answered for answered in plainly if answered.score != LATER_TURNS]
    pairs = [
        (_says_yes(answered.answer), _says_yes(answered.question.answer))
        for answered in singles
        if answered.question.kind in YES_NO
    ]
    names = [*CONTROLS, COMMONEST]
    controlled = [answered for answered in everything if answered.control] + _commonest(plainly)
    return {
        "questions": len(plainly),
        "scores": _filled(scores),
        "yes_no": _filled(yes_no_measures(pairs)),
        "by_kind": _filled({kind: _share(group) for kind, group in sorted(_by_kind(singles).items())}),
        "controls": {
            name: _filled(
                {
                    score: _share(
                        answered for answered in controlled if answered.control == name and answered.score == score
                    )
                    for score in CONTROLLED
                }
                | {BORDERING: _bordering(answered for answered in controlled if answered.control == name)}
            )
            for name in names
            if any(answered.control == name for answered in controlled)
        },
        "notes": [] if encode is not None else [MISSING],
    }


def report(results: dict[str, Any]) -> str:
    """The figures as Markdown tables."""
    lines = ["| score | value | 95 % interval | questions |", "| --- | --- | --- | --- |"]
    rows = {**results["scores"], **{f"yes/no: {k.replace('_', ' ')}": v for k, v in results["yes_no"].items()}}
    lines += [_row(name, score) for name, score in rows.items()]
    if results["controls"]:
        columns = [
            name for name in (*CONTROLLED, BORDERING) if any(name in scores for scores in results["controls"].values())
        ]
        lines += ["", f"| control | {' | '.join(columns)} |", "| --- |" + " --- |" * len(columns)]
        asked = {"none": results["scores"], **results["controls"]}
        for name, scores in asked.items():
            cells = [
                f"{score['value']:.1%} (n={score['count']})" if (score := scores.get(column)) else ""
                for column in columns
            ]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", "| kind of question | right | 95 % interval | questions |", "| --- | --- | --- | --- |"]
    lines += [_row(name, score) for name, score in results["by_kind"].items()]
    return "\n".join([*lines, *(["", *results["notes"]] if results["notes"] else [])])


def _row(name: str, score: dict[str, Any]) -> str:
    return f"| {name} | {score['value']:.1%} | {score['low']:.1%} – {score['high']:.1%} | {score['count']} |"


def _share(judged: Iterable[Judged]) -> Score:
    return bootstrap([answered.right for answered in judged])


def _bordering(judged: Iterable[Judged]) -> Score:
    return bootstrap(
        [is_true_color(answered.question, answered.answer) for answered in judged if answered.score == "colour"]
    )


def _filled(scores: dict[str, Score]) -> dict[str, dict[str, float]]:
    return {name: asdict(score) for name, score in scores.items() if score.count}


def _by_kind(judged: Iterable[Judged]) -> dict[str, list[Judged]]:
    groups: dict[str, list[Judged]] = {}
    for answered in judged:
        kind = (
            f"{answered.question.kind} of parts"
            if (answered.score, answered.question.kind) == ("part", "category")
            else ""
        )
        groups.setdefault(kind or answered.question.kind, []).append(answered)
    return groups


def _commonest(judged: Sequence[Judged]) -> list[Judged]:
    """Every controlled question answered by what is most often true for its kind."""
    baseline = []
    for score in CONTROLLED:
        for group in _by_kind(answered for answered in judged if answered.score == score).values():
            answer = Counter(answered.question.answer for answered in group).most_common(1)[0][0]
            baseline += [
                Judged(score, answered.seed, answered.question, answer, is_right(answered.question, answer), COMMONEST)
                for answered in group
            ]
    return baseline


def _says_yes(answer: str) -> bool:
    return words_of(answer)[:1] == ["yes"]
