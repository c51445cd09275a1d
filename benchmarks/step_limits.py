"""The measure (p): a decoding step of one answer, against what bounds it from below."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from benchmarks.measures import Setting, picture, question, region
from benchmarks.models import decoder_bytes
from benchmarks.timing import Comparison, compare
from osprey_core.cache.row_states import RowStates
from osprey_core.language.core_shares import CORES
from osprey_core.language.decoding_thread import most_cores
from osprey_core.language.token_step import TokenStep


def step_limits(setting: Setting) -> Iterator[Comparison]:
    """(p) Steps of one answer, against reading the weights from memory, and against their products with a vector.

    Unlike (k), without the reading of the question and without the thread that decodes. The steps compute on as many
    cores as that thread would; reading and products on all.
    """
    llm = setting.model.network.llm
    view = setting.model.open(picture())
    read = view.read(question(9997), [region(0)])
    states, step = RowStates(), TokenStep(llm)
    states.add(read.prefix, read.own)
    step.prepare()
    tokens = 10 * setting.new_tokens if setting.shape == "nano" else setting.new_tokens

    def steps(number: int) -> None:
        with CORES.computing(most_cores(llm)):
            for token in range(tokens):
                states.begin_step()  # never ended, so that all write the same position
                step.next_logits(states, [token])

    linears = [each for each in [*llm.model.layers.modules(), llm.lm_head] if isinstance(each, nn.Linear)]
    vectors = [torch.ones(linear.in_features) for linear in linears]

    @torch.inference_mode()
    def products(number: int) -> None:
        for _ in range(tokens):
            for linear, vector in zip(linears, vectors, strict=True):
                torch.mv(linear.weight, vector)

    nbytes = decoder_bytes(setting.model)
    buffer = torch.ones(max(nbytes, 2**28) // 4)  # larger than any cache
    way = (f"{tokens} steps", steps)
    yield compare(
        "p-memory",
        f"{tokens} steps of one answer, against reading the decoder's weights as often",
        way,
        ("reading", lambda n: buffer.sum()),
        setting.repeats,
        scaled_by=tokens * nbytes / buffer.nbytes,
    )
    yield compare(
        "p-products",
        f"{tokens} steps of one answer, against nothing but the products with its weights",
        way,
        ("products", products),
        setting.repeats,
    )
