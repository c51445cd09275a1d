"""Reading a prompt by the layers' parts gives what transformers' whole forward pass gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM

from osprey_core.cache.prefix_attention import KeyValues
from osprey_core.cache.prefix_cache import cache_of, key_values_of
from osprey_core.errors import CheckpointError
from osprey_core.language.prompt_pass import PromptPass
from tests.tiny import tiny_llama

TOLERANCE: dict[str, Any] = {"atol": 3e-5, "rtol": 3e-5}
SIZES = [{}, {"num_key_value_heads": 4}, {"num_key_value_heads": 1, "head_dim": 16}]


def hooked(llm: LlamaForCausalLM) -> LlamaForCausalLM:
    """A model whose forward pass has to be called as a whole."""
    llm.model.layers[1].mlp.register_forward_hook(lambda *_: None)
    return llm


def as_it_is(llm: LlamaForCausalLM) -> LlamaForCausalLM:
    return llm


@torch.inference_mode()
def whole_pass(llm: LlamaForCausalLM, ids: torch.Tensor) -> tuple[torch.Tensor, KeyValues]:
    """Logits (T, V), and keys and values, of ids (T,)."""
    result = llm(input_ids=ids[None], use_cache=True)
    return result.logits[0], key_values_of(result.past_key_values)


def part(known: KeyValues, start: int, end: int) -> KeyValues:
    return tuple((keys[:, :, start:end].clone(), values[:, :, start:end].clone()) for keys, values in known)


@pytest.mark.parametrize("change", [as_it_is, hooked])
@pytest.mark.parametrize("sizes", SIZES)
def test_a_beginning_has_the_keys_and_values_of_the_whole_pass(
    sizes: dict[str, Any], change: Callable[[LlamaForCausalLM], LlamaForCausalLM]
) -> None:
    llm = change(tiny_llama(3, **sizes))
    ids = torch.randint(0, 64, (21,))
    _, expected = whole_pass(llm, ids)
    found = PromptPass(llm).beginning(llm.model.embed_tokens(ids))
    torch.testing.assert_close(found, expected, **TOLERANCE)
    assert all(tensor.untyped_storage().nbytes() == tensor.nbytes for layer in found for tensor in layer)


@pytest.mark.parametrize("change", [as_it_is, hooked])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("behind_picture", "known"), [(0, 0), (0, 5), (7, 0), (7, 12), (7, 19)])
def test_a_prompt_behind_what_is_known_is_followed_as_in_the_whole_pass(
    sizes: dict[str, Any],
    change: Callable[[LlamaForCausalLM], LlamaForCausalLM],
    behind_picture: int,
    known: int,
) -> None:
    llm = change(tiny_llama(3, **sizes))
    ids = torch.randint(0, 64, (20,))
    logits, everything = whole_pass(llm, ids)
    prefix = part(everything, 0, behind_picture) if behind_picture else None
    start = max(known, behind_picture)
    cache = cache_of(llm.config, part(everything, behind_picture, start), start - behind_picture)
    found = PromptPass(llm).next_logits(llm.model.embed_tokens(ids[start:]), prefix, cache)
    torch.testing.assert_close(found, logits[-1], **TOLERANCE)
    torch.testing.assert_close(key_values_of(cache), part(everything, behind_picture, 20), **TOLERANCE)


@pytest.mark.parametrize("change", [as_it_is, hooked])
def test_answers_read_side_by_side_are_followed_as_each_would_be_alone(
    change: Callable[[LlamaForCausalLM], LlamaForCausalLM],
) -> None:
    llm = change(tiny_llama(3))
    prompt, answers = torch.randint(0, 64, (11,)), ([3, 9], [4], [3, 8, 2])
    _, everything = whole_pass(llm, prompt)
    ids = [token for answer in answers for token in answer]
    owners = torch.tensor([place for place, answer in enumerate(answers) for _ in answer])
    steps = torch.tensor([step for answer in answers for step in range(len(answer))])
    seen = (owners[:, None] == owners) & (steps[:, None] >= steps)
    seen = torch.cat([seen.new_ones(len(ids), 4), seen], dim=1)
    found = PromptPass(llm).logits_of(
        ids,
        [11 + int(step) for step in steps],
        seen,
        part(everything, 0, 7),
        part(everything, 7, 11),
        torch.tensor([1, 2, 5]),
    )
    for row, answer in zip(found, answers, strict=True):
        expected, _ = whole_pass(llm, torch.cat([prompt, torch.tensor(answer)]))
        torch.testing.assert_close(row, expected[-1], **TOLERANCE)


def test_logits_that_are_not_finite_are_refused() -> None:
    llm = tiny_llama(3)
    with torch.no_grad():
        llm.lm_head.weight[5] = float("nan")
    with pytest.raises(CheckpointError):
        PromptPass(llm).next_logits(llm.model.embed_tokens(torch.tensor([1, 2])), None, cache_of(llm.config))
