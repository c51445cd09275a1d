"""Guesses are the model's own answers with their own probabilities."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from osprey_core import view as view_module
from osprey_core.analysis.label_likelihood import score_labels
from osprey_core.cache.prefix_cache import key_values_of
from osprey_core.errors import InputError
from osprey_core.language.guesses import GuessedIds, calibrated, guess_answers, likeliest_answers
from osprey_core.language.prompt_pass import PromptPass
from osprey_core.language.prompts import QUESTIONS
from osprey_core.region_model import Guess, NamedRegion
from tests.tiny import tiny_llama, tiny_osprey

PICTURE = np.random.default_rng(0).integers(0, 255, (48, 80, 3), dtype=np.uint8)
MASK = np.zeros((48, 80), bool)
MASK[5:30, 10:40] = True


def test_guesses_have_the_probability_of_their_whole_answer() -> None:
    model = tiny_osprey(seed=3)
    # An untrained model never ends an answer: here the end is made likely after every piece.
    head = model.network.llm.lm_head.weight
    head[model.prompts.tokenizer.eos_id] += 0.0
    view = model.open(PICTURE)
    read = view.read(QUESTIONS["category"], [MASK])
    ids = {
        g.ids: g.log_probability
        for g in guess_answers(model.network.llm, read.prefix, read.own, read.logits, 7, 5, 400)
    }
    first = read.logits.log_softmax(-1)
    for answer, log_probability in ids.items():
        assert log_probability <= float(first[answer[0]]) + 1e-4
    assert list(ids.values()) == sorted(ids.values(), reverse=True)


def test_a_beam_search_finds_the_likeliest_answers() -> None:
    llm, end = tiny_llama(), 7
    ids = torch.randint(0, 64, (10,))
    with torch.inference_mode():
        result = llm(input_ids=ids[None], use_cache=True)
        known, first = key_values_of(result.past_key_values), result.logits[0, -1].log_softmax(-1)
        continued = torch.cat([ids.expand(64, -1), torch.arange(64)[:, None]], dim=1)
        second = llm(input_ids=continued).logits[:, -1].log_softmax(-1)
    # By hand: the empty answer, and all of one piece.
    wanted = {(): float(first[end])} | {(t,): float(first[t] + second[t, end]) for t in range(64) if t != end}
    ranked = sorted(wanted, key=lambda answer: -wanted[answer])
    prefix, own = ([(k[:, :, a:b], v[:, :, a:b]) for k, v in known] for a, b in ((0, 4), (4, 10)))

    def found(width: int, longest: int, stops: bool = False) -> list[GuessedIds]:
        return likeliest_answers(
            PromptPass(llm), tuple(prefix), tuple(own), first, end, width, longest, should_stop=lambda: stops
        )

    short = found(64, 1)
    assert [one.ids for one in short] == ranked
    assert [one.log_probability for one in short] == pytest.approx([wanted[answer] for answer in ranked], abs=1e-4)
    assert [one.ids for one in found(64, 1, stops=True)] == [()]
    long = found(3, 12)
    assert 1 <= len(long) <= 3
    assert [one.log_probability for one in long] == sorted((one.log_probability for one in long), reverse=True)
    with torch.inference_mode():
        for one in long:
            said = [*one.ids, end]
            every = llm(input_ids=torch.cat([ids, torch.tensor(said)])[None]).logits[0].log_softmax(-1)
            alone = sum(float(every[len(ids) - 1 + place, token]) for place, token in enumerate(said))
            assert one.log_probability == pytest.approx(alone, abs=1e-3)


def test_a_name_is_scored_as_the_label_would_be() -> None:
    model = tiny_osprey(seed=3)
    view = model.open(PICTURE)
    label = "the"
    scored = score_labels(view, MASK, [label]).ranked[0].log_likelihood
    read = view.read(QUESTIONS["category"], [MASK])
    token = model.prompts.tokenizer.encode_continuation(f" {label}")
    guesses = guess_answers(model.network.llm, read.prefix, read.own, read.logits, -1, len(read.logits), 1)
    assert guesses == []  # nothing ended within one id
    assert scored <= float(read.logits.log_softmax(-1)[token[0]]) + 1e-4


def test_calibration_moves_log_odds() -> None:
    assert calibrated(0.8, 1.0, 0.0) == pytest.approx(0.8)
    assert calibrated(0.8, 0.5, 0.0) == pytest.approx(1 / (1 + math.exp(-0.5 * math.log(4))))
    assert calibrated(0.5, 2.0, -1.0) == pytest.approx(1 / (1 + math.e))
    assert 0 < calibrated(0.0, 1.0, 0.0) < calibrated(1.0, 1.0, 0.0) < 1
    assert 0 <= calibrated(0.0, 1000.0, 0.0) < 1e-20


def test_below_the_threshold_a_name_is_unsure() -> None:
    assert NamedRegion((Guess("dog", 0.4, 0.4),), 0.5).is_unsure
    assert not NamedRegion((Guess("dog", 0.6, 0.6),), 0.5).is_unsure
    assert NamedRegion((), 0.5).is_unsure


def test_no_guesses_cannot_be_asked_for() -> None:
    with pytest.raises(InputError, match="guesses"):
        tiny_osprey().open(PICTURE).name(MASK, guesses=0)


@pytest.mark.parametrize(
    ("shares", "kept"), [((0.9, 0.02, 0.005), 2), ((0.4, 0.3, 0.2), 3), ((0.004, 0.003), 1), ((0.5, 0.01), 2)]
)
def test_what_is_next_to_impossible_is_no_guess(
    shares: tuple[float, ...], kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_osprey()
    encode = model.prompts.tokenizer.encode_continuation
    words = [tuple(encode(f" {word}")) for word in ("the", "a", "of")]
    made = [GuessedIds(ids, math.log(share)) for ids, share in zip(words, shares, strict=False)]
    monkeypatch.setattr(view_module, "guess_answers", lambda *_: made)
    guesses = model.open(PICTURE).name(MASK).guesses
    assert [guess.probability for guess in guesses] == pytest.approx(shares[:kept])
