"""A picture opened by the engine: questions about its regions, descriptions, names, prompts that are only read.

A `View` caches what questions share (the picture's encoding and keys and values of prompts) within the model's budget.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import itertools
import math
import threading
import warnings
from collections.abc import Callable, Collection, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from transformers import DynamicCache

from osprey_core.cache.prefix_attention import CACHE_ARGUMENT, KeyValues
from osprey_core.cache.prefix_cache import PrefixCache, cache_of, key_values_of
from osprey_core.config import CLOSE_UP_PREFIX, IMAGE_PLACEHOLDER_ID
from osprey_core.errors import CheckpointError, ContextOverflowError, InputError
from osprey_core.language.embedded_question import EmbeddedQuestion
from osprey_core.language.generation import AnswerStream, AnswerText, DecodedRows
from osprey_core.language.guesses import calibrated, guess_answers, likeliest_answers
from osprey_core.language.packed_answers import PackedAnswers
from osprey_core.language.prompts import QUESTIONS, STOP_STRINGS, TextPrompt, Turn
from osprey_core.language.relations import agrees, asked_pair, said_relation
from osprey_core.language.sampling import SamplingSettings
from osprey_core.language.token_likelihood import TokenLikelihood, token_likelihood
from osprey_core.language.tokens import TextTokenizer
from osprey_core.language.turn_order import asked_at, moment_asked
from osprey_core.language.whole_picture import asked_thing, asks_about_whole_picture
from osprey_core.model import OspreyNetwork
from osprey_core.model.preprocess import normalised
from osprey_core.picture_segments import PictureSegments, Reader
from osprey_core.region_model import STYLES, Guess, NamedRegion, RegionToken
from osprey_core.regions.masks import as_mask
from osprey_core.regions.pair_place import pair_place
from osprey_core.regions.rle import CodedMask
from osprey_core.runtime.close_ups import at_size, close_up, pooled_close_ups
from osprey_core.runtime.finer_names import finer_name, kinds_of
from osprey_core.runtime.picture_precision import in_full, picture_reading
from osprey_core.survey import LEAST_SEGMENT, MOST_SEGMENTS, SeenThing, seen_things, told

if TYPE_CHECKING:
    from osprey_core.engine import Osprey

VISION_LAYOUT = torch.channels_last
"""Memory format of the encoder's weights and pictures. ConvNeXt normalises and mixes over the channels of every
position; with adjacent channels, no block has to rearrange them. `python -m benchmarks --only g` measures it."""

MIN_ANSWER_TOKENS = 32
"""Smallest number of tokens reserved for an answer; older turns are left out of the prompt to make room for it."""

DEFAULT_BATCH_SIZE = 16
"""Number of regions that `describe` decodes together."""

ROWS_AT_ONCE = 32
"""Regions whose prompts are read together when answers are scored."""

CLOSE_UPS_AT_ONCE = 2
"""Close-ups that are seen together on a CPU, where more are no faster: other people's pictures come in between."""

GUESSES = 3
"""Names that `View.name` gives for a region."""

LEAST_PROBABILITY = 0.01
"""Of a guess behind the first; what is less likely is often no word at all."""

KEPT_NAMES = 256
"""Names of regions that are kept, because most questions about a region are followed by its name."""

MAX_NAME_TOKENS = 12
"""Longer answers are no names."""

RELATION_ANSWERS = 6
"""The likeliest answers to how two regions lie to each other, of which one is told."""

MAX_RELATION_TOKENS = 32
"""Of each of them."""


class Encoding(NamedTuple):
    """A picture's encoding: image tokens and feature levels."""

    image_tokens: torch.Tensor
    """(1, N, D)."""
    levels: Mapping[str, torch.Tensor]
    """{"res2": (1, C, h, w), …}."""


def encoded(
    network: OspreyNetwork,
    pixels: torch.Tensor,
    photo_levels: Mapping[str, torch.Tensor] | None,
    in_bfloat16: bool,
) -> Encoding:
    """What a network makes of pictures (B, 3, S, S), in the precision in which they are read."""
    with picture_reading(in_bfloat16):
        image_tokens, levels = network.encode_image(pixels, photo_levels)
    return Encoding(in_full(image_tokens), in_full(levels)) if in_bfloat16 else Encoding(image_tokens, levels)


class _RegionTokens(NamedTuple):
    """Mask and spatial token of a region, each (1, D)."""

    mask: torch.Tensor
    pos: torch.Tensor


class ReadPrompt(NamedTuple):
    """A prompt after prefill: the state that all its continuations share. Must not be written to."""

    prefix: KeyValues
    """Keys and values of the positions up to and including the picture."""
    own: KeyValues
    """Keys and values of the positions after the picture."""
    logits: torch.Tensor
    """(V,), logits of the next token."""


class _BegunPrompt(NamedTuple):
    """A prompt before prefill: its cached beginning and the embeddings of the rest."""

    conversation: list[Hashable]
    """Content of each position after the picture, see `View._contents`."""
    prefix: KeyValues
    cache: DynamicCache
    """Cached keys and values of the first positions after the picture."""
    embeds: torch.Tensor
    """(1, T, D), the remaining positions; at least one."""


class View:
    """A picture opened by a model, about which any number of people may ask.

    Its observable state never changes. Internally it caches what questions share, within the model's cache budget.
    """

    def __init__(
        self,
        model: Osprey,
        size_hw: tuple[int, int],
        pixels: np.ndarray,
        photo_square: np.ndarray | None = None,
        kept_picture: np.ndarray | None = None,
        network: OspreyNetwork | None = None,
        photo_levels: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        self.model = model
        self.network = model.network if network is None else network
        """The one that answers about this picture: a model may have two, see `Osprey.open`."""
        self._decoding = next(thread for thread in model.decoding if thread.llm is self.network.llm)
        self.size_hw = size_hw
        self._pixels = pixels  # uint8 (h, w, 3), unless very long or high a third of what the encoder is given
        self._no_values = next(self.network.parameters()).new_empty(0)  # of the network's type, on its device
        self._photo_square = photo_square  # uint8 (512, 512, 3), for a model with a photo tower
        self._photo_levels = photo_levels  # what that tower saw, until the picture is encoded; many may be waiting
        self._kept_picture = kept_picture  # uint8 (h, w, 3), for close-ups and segments
        photo = self.network.config.vision.photo
        self._seen_near = kept_picture if photo is not None and photo.close_up_size else None
        self._cache = PrefixCache(model.cache)
        self._naming = threading.Lock()
        self._names: dict[tuple[str, str, int], NamedRegion] = {}
        self._surveying = threading.Lock()
        self._segment_names: dict[int, tuple[float, NamedRegion]] = {}  # by place among the segments
        self._survey: tuple[SeenThing, ...] | None = None
        find = functools.partial(_segments_of, model.device, model.reads_in_bfloat16, photo_square, kept_picture)
        self._segments = PictureSegments(find)

    @property
    def memory_bytes(self) -> int:
        """Bytes of this picture at present: its pixels, what the photo tower saw of it, and its cached data."""
        kept = (self._pixels, self._photo_square, self._kept_picture, *(self._photo_levels or {}).values())
        pixels = sum(values.nbytes for values in kept if values is not None)
        return pixels + self._segments.memory_bytes + self._cache.memory_bytes

    def prepare(self) -> None:
        """Encode the picture and have the language model read it, so that the first question is answered sooner."""
        if self.model.cache.max_bytes:  # without a cache it would be discarded
            head, _ = _split(self.model.prompts.conversation("?", 0))
            self._prefix(head, self.encoding)

    def ask(
        self,
        question: str,
        regions: Sequence[np.ndarray] = (),
        history: Iterable[Turn | tuple[str, str]] = (),
        max_new_tokens: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        about: Sequence[int] | None = None,
        without: Collection[RegionToken] = (),
    ) -> str:
        """Answer a question about regions. The blocking form of `stream`, with the same arguments."""
        settings = (max_new_tokens, temperature, top_p, seed)
        return "".join(self.stream(question, regions, history, *settings, about=about, without=without))

    def stream(
        self,
        question: str,
        regions: Sequence[np.ndarray] = (),
        history: Iterable[Turn | tuple[str, str]] = (),
        max_new_tokens: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        about: Sequence[int] | None = None,
        without: Collection[RegionToken] = (),
        top_logprobs: int | None = None,
    ) -> AnswerStream:
        """Answer a question about regions, piece by piece.

        What a whole photograph shows is told by `survey`, and how many things of a name the whole picture shows by its
        segments, by models whose config says so; these answers are not sampled, and their tokens have no likelihoods.
        How two regions lie to each other such models tell by the likeliest of their answers that agrees with the masks,
        where nothing is sampled and no likelihoods are wanted.

        Args:
            question: may refer to regions as `<region1>`, `<region2>`; see `PromptWriter.conversation`.
            regions: bool or {0, 1} masks (H, W) of the picture's own size, in the order of their numbers.
            history: earlier turns, oldest first. If they do not fit the context, the oldest turns are left out and the
                stream's `trimmed_turns` says how many.
            max_new_tokens: None for the model's default; never more than the context has room for.
            temperature, top_p, seed: see `SamplingSettings`.
            about: numbers, from 1, of the regions that the question is about if it mentions none; None for all.
            without: region tokens to set to zero, "mask" or "pos", to see how an answer depends on them.
            top_logprobs: how many of the likeliest tokens are told at each place of the answer, beside its own, in the
                stream's `likelihoods`; None tells none.

        Raises:
            InputError: a mask, the question or a setting cannot be used.
            ContextOverflowError: the question does not fit even without history.
        """
        requested = self._settings(temperature, top_p, max_new_tokens, seed).with_seed()
        masks, prompt, trimmed, settings = self._prompt(question, regions, history, about, requested)
        likelihoods: list[TokenLikelihood] = []
        asked = moment_asked()

        def note(token: int, logits: torch.Tensor) -> None:
            likelihoods.append(token_likelihood(token, logits, top_logprobs or 0))

        noting = None if top_logprobs is None else note
        # Regions whose tokens are off are a test of what the language model makes of the rest.
        tell = None if without else self._told_by_segments(question, bool(masks if about is None else about))
        tells_picture = tell is not None
        if tell is None and not without and noting is None and settings.temperature == 0:
            tell = self._told_by_masks(question, prompt, masks, asked)
        if tell is not None:
            return AnswerStream(
                lambda should_stop: self._ids_told(tell, prompt, masks, settings, should_stop, asked),
                self.model.prompts.tokenizer,
                STOP_STRINGS,
                prompt_tokens=self._length(prompt),
                trimmed_turns=trimmed,
                settings=requested,
                tells_picture=tells_picture,
            )
        return AnswerStream(
            lambda should_stop: self._decode(prompt, masks, without, settings, should_stop, noting, asked),
            self.model.prompts.tokenizer,
            STOP_STRINGS,
            prompt_tokens=self._length(prompt),
            trimmed_turns=trimmed,
            settings=requested,
            likelihoods=likelihoods,
        )

    @torch.inference_mode()
    def embed(
        self,
        question: str,
        regions: Sequence[np.ndarray] = (),
        history: Iterable[Turn | tuple[str, str]] = (),
        max_new_tokens: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        about: Sequence[int] | None = None,
        without: Collection[RegionToken] = (),
        said: Sequence[int] = (),
    ) -> EmbeddedQuestion:
        """The same question as `stream` asks, for a language model that runs elsewhere.

        Args:
            said: ids with which the answer has begun: it is to go on after them.
            others: as for `stream`.

        Raises:
            InputError, ContextOverflowError: as `stream`.
            CheckpointError: the embeddings are not finite.
        """
        requested = self._settings(temperature, top_p, max_new_tokens, seed).with_seed()
        masks, prompt, trimmed, settings = self._prompt(question, regions, history, about, requested)
        _, tail = _split(prompt)
        encoding = functools.cache(self.encoding)
        tokens = {index: self._region_tokens(masks[index], encoding, without) for index in set(prompt.regions)}
        embeds = self._embed_tail([*tail, *said], [tokens[index] for index in prompt.regions])[0]
        check_finite(embeds)
        assert settings.max_new_tokens is not None
        return EmbeddedQuestion(
            picture=self.digest,
            network=next(place for place, network in enumerate(self.model.networks) if network is self.network),
            embeds=embeds,
            settings=dataclasses.replace(settings, max_new_tokens=max(settings.max_new_tokens - len(said), 1)),
            requested=requested,
            ends=frozenset({self.model.prompts.tokenizer.eos_id}),
            prompt_tokens=self._length(prompt),
            trimmed_turns=trimmed,
        )

    @torch.inference_mode()
    def embed_beginning(self) -> torch.Tensor:
        """(P, D): the positions up to and including the picture, with which all embedded questions about it begin.

        Raises CheckpointError if they are not finite.
        """
        head, _ = _split(self.model.prompts.conversation("?", 0))
        image_tokens = self.encoding().image_tokens
        no_tokens = image_tokens.new_zeros(0, image_tokens.shape[-1])
        ids = torch.tensor([head], device=image_tokens.device)
        beginning = self.network.embed_prompt(ids, image_tokens, no_tokens, no_tokens)[0]
        check_finite(beginning)
        return beginning

    @functools.cached_property
    def digest(self) -> str:
        """Of the picture as the model sees it, and of the network that does."""
        place = self.model.networks.index(self.network)
        seen = hashlib.blake2b(str((self.model.name, place)).encode(), digest_size=16)
        seen.update(self._pixel_values.float().cpu().contiguous().numpy().tobytes())
        if self._photo_square is not None:
            seen.update(self._photo_square.tobytes())
        return seen.hexdigest()

    def describe(
        self,
        regions: Iterable[np.ndarray] | None = None,
        style: str = "short",
        batch_size: int = DEFAULT_BATCH_SIZE,
        max_new_tokens: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        *,
        masks: Iterable[np.ndarray] | None = None,
    ) -> Iterator[tuple[int, str]]:
        """Describe regions, many at a time, with the published question of that style.

        Args:
            regions: bool or {0, 1} masks (H, W).
            style: "short", "detailed" or "category".
            batch_size: regions that are decoded together. Each needs memory for its own few tokens; the picture's
                tokens are shared.
            max_new_tokens, temperature, top_p, seed: as for `stream`, for every region.
            masks: the old name of `regions`; deprecated.

        Returns:
            an iterator over (place of the region from 0, answer), each as soon as it is complete, not in order. The
            answers are those of `ask`. Closing the iterator ends the work.

        Raises:
            InputError: a mask, the style or a setting cannot be used.
            ContextOverflowError: the question does not fit.
        """
        regions = regions_or_masks(regions, masks)
        check_style(style)
        return self.ask_each(QUESTIONS[style], regions, batch_size, max_new_tokens, temperature, top_p, seed)

    def ask_each(
        self,
        question: str,
        regions: Iterable[np.ndarray],
        batch_size: int = DEFAULT_BATCH_SIZE,
        max_new_tokens: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | Sequence[int] | None = None,
    ) -> Iterator[tuple[int, str]]:
        """Ask the same question about each of many regions; arguments and answers are those of `describe`.

        Args:
            question: about `<region1>`, or about the one region that there is.
            seed: of all answers, or of each.
        """
        if batch_size < 1:
            raise InputError("engine.batch_size_invalid", value=batch_size)
        seeds = seed if isinstance(seed, Sequence) else None
        requested = self._settings(temperature, top_p, max_new_tokens, None if isinstance(seed, Sequence) else seed)
        prompt, _, settings = self._fit(question, 1, (), None, requested)
        # Only the tokens of the masks are held in memory: a mask is as large as the picture.
        tokens = self._all_region_tokens((as_mask(mask, self.size_hw) for mask in regions), batch_size)
        each = [
            settings if seeds is None else dataclasses.replace(settings, seed=s) for s in seeds or [0] * len(tokens)
        ]
        if len(each) != len(tokens):
            raise ValueError(f"{len(each)} seeds were given for {len(tokens)} regions.")
        return self._describe(prompt, tokens, each, batch_size)

    def _all_region_tokens(self, masks: Iterable[np.ndarray], batch_size: int) -> list[_RegionTokens]:
        """Tokens of many regions, checked masks, whose close-ups the photo tower sees some at a time."""
        encoding = functools.cache(self.encoding)
        tokens: list[_RegionTokens] = []
        remaining = iter(masks)
        while batch := list(itertools.islice(remaining, batch_size)):
            names = [f"region {_digest(mask)}" for mask in batch]
            new = [place for place, name in enumerate(names) if self._cache.peek(name) is None]
            close_ups = self.close_ups([batch[place] for place in new]) if new else None
            near: dict[int, dict[str, torch.Tensor]] = {}
            for row, place in enumerate(new if close_ups is not None else ()):
                near[place] = {name: level[row : row + 1] for name, level in (close_ups or {}).items()}
            for place, mask in enumerate(batch):
                compute = functools.partial(self._region_tokens, mask, encoding, near=near.get(place), is_urgent=False)
                tokens.append(self._cache.part(names[place], compute))
        return tokens

    def _describe(
        self, prompt: TextPrompt, tokens: Sequence[_RegionTokens], settings: Sequence[SamplingSettings], batch_size: int
    ) -> Iterator[tuple[int, str]]:
        tokenizer = self.model.prompts.tokenizer
        head, tail = _split(prompt)
        prefix = self._prefix(head, self.encoding) if tokens else None
        for start in range(0, len(tokens), batch_size):
            batch = tokens[start : start + batch_size]
            embeds = [self._embed_tail(tail, [region_tokens] * len(prompt.regions))[0] for region_tokens in batch]
            of_rows = [one.with_seed() for one in settings[start : start + batch_size]]
            longest = of_rows[0].max_new_tokens
            assert longest is not None
            rows = DecodedRows(self.network.llm, embeds, of_rows, prefix)
            answers = [(AnswerText(tokenizer, STOP_STRINGS), list[str]()) for _ in batch]
            for step in range(longest):
                if not rows.running:
                    break
                for row, token in self._decoding.run(rows.step).items():
                    text, pieces = answers[row]
                    if token != tokenizer.eos_id:
                        pieces.append(text.feed(token))
                    if token == tokenizer.eos_id or text.hit_stop_string or step + 1 == longest:
                        rows.end(row)
                        yield start + row, "".join([*pieces, text.finish()])

    def _decode(
        self,
        prompt: TextPrompt,
        masks: Sequence[np.ndarray],
        without: Collection[RegionToken],
        settings: SamplingSettings,
        should_stop: Callable[[], bool],
        note: Callable[[int, torch.Tensor], None] | None,
        asked: float,
    ) -> Generator[int]:
        """Token ids of an answer. The part of the prompt that is cached from earlier ones is not computed again."""
        if should_stop():
            return
        with asked_at(asked):
            begun = self._begin(prompt, masks, without)
        cached_length, answer = begun.cache.get_seq_length(), list[int]()
        try:
            ends = {self.model.prompts.tokenizer.eos_id}
            tokens = self._decoding.decode(
                begun.embeds, settings, ends, should_stop, begun.prefix, begun.cache, note, asked
            )
            # Closed here and not when it is collected, because it then brings the cache to the answer's length.
            with contextlib.closing(tokens):
                for token in tokens:
                    answer.append(token)
                    yield token
        finally:
            if begun.cache.get_seq_length() > cached_length:
                self._cache.remember(begun.conversation, answer, begun.cache)

    @torch.inference_mode()
    def read(self, question: str, regions: Sequence[np.ndarray] = ()) -> ReadPrompt:
        """Prefill a question about regions without answering it. The result is cached for later prompts.

        Args:
            question, regions: as for `stream`.

        Raises:
            InputError: a mask or the question cannot be used.
        """
        return self._read(question, [as_mask(mask, self.size_hw) for mask in regions])

    @torch.inference_mode()
    def _read(self, question: str, masks: Sequence[np.ndarray]) -> ReadPrompt:
        """As `read`, for checked masks, or of any size that are stretched over the picture."""
        return self._read_prompt(self.model.prompts.conversation(question, len(masks)), masks)

    def _read_prompt(self, prompt: TextPrompt, masks: Sequence[np.ndarray]) -> ReadPrompt:
        begun = self._begin(prompt, masks, ())
        reader = self._decoding.prompt_pass
        logits = self._decoding.run(lambda: reader.next_logits(begun.embeds[0], begun.prefix, begun.cache))
        self._cache.remember(begun.conversation, (), begun.cache)
        return ReadPrompt(begun.prefix, key_values_of(begun.cache), logits)

    def answer_likelihoods(
        self,
        question: str,
        regions: Iterable[np.ndarray],
        answers: Sequence[str],
        whole: bool = True,
        batch_size: int = ROWS_AT_ONCE,
    ) -> np.ndarray:
        """How likely each answer is to the same question about each of many regions; no text is generated.

        Args:
            question: about `<region1>`.
            regions: bool or {0, 1} masks (H, W) of the picture's own size.
            answers: texts that the model may answer with.
            whole: whether an answer has to end with the text; otherwise it only has to begin so.
            batch_size: regions that are read together; the picture's tokens are shared.

        Returns:
            float64 (Q, A), natural logarithms of probabilities.

        Raises:
            InputError: a mask or the question cannot be used.
            ContextOverflowError: question and answer do not fit.
        """
        masks = (as_mask(mask, self.size_hw) for mask in regions)
        return self._region_likelihoods(question, masks, answers, whole, batch_size)

    def _region_likelihoods(
        self,
        question: str,
        masks: Iterable[np.ndarray],
        answers: Sequence[str],
        whole: bool = True,
        batch_size: int = ROWS_AT_ONCE,
    ) -> np.ndarray:
        """As `answer_likelihoods`, for masks bool (h, w) of any size that are stretched over the picture."""
        prompt = self.model.prompts.conversation(question, 1)
        packed = self._packed(prompt, question, 1, answers, whole)
        tokens = self._all_region_tokens(masks, batch_size)
        results = np.zeros((len(tokens), len(answers)))
        for start in range(0, len(tokens), batch_size):
            rows = slice(start, start + batch_size)
            results[rows] = packed.likelihoods(self._read_rows(prompt, packed, tokens[rows])).cpu().numpy()
        return results

    def picture_likelihoods(self, question: str, answers: Sequence[str], whole: bool = True) -> np.ndarray:
        """How likely each answer is to a question about the whole picture; no text is generated.

        Args, errors: as for `answer_likelihoods`.

        Returns:
            float64 (A,), natural logarithms of probabilities.
        """
        prompt = self.model.prompts.conversation(question, 0)
        packed = self._packed(prompt, question, 0, answers, whole)
        read = packed.likelihoods(self._read_rows(prompt, packed, [None]))[0]
        return np.asarray(read.double().cpu().numpy())

    def _packed(
        self, prompt: TextPrompt, question: str, region_count: int, answers: Sequence[str], whole: bool
    ) -> PackedAnswers:
        """Answers behind a prompt. Raises ContextOverflowError if they do not fit."""
        prompts = self.model.prompts
        endings = []
        for answer in answers:
            written, learned = prompts.transcript([Turn(question, answer, region_count)], region_count)
            ids = [token for token, is_answer in zip(written.ids, learned, strict=True) if is_answer]
            endings.append(ids if whole else ids[: len(ids) - prompts.end_length])
        config = self.network.config
        length = self._length(prompt) + max((len(e) for e in endings), default=0)
        if length > config.language.max_position_embeddings:
            raise ContextOverflowError(
                "engine.question_too_long", tokens=length, limit=config.language.max_position_embeddings
            )
        return PackedAnswers(endings)

    @torch.inference_mode()
    def _read_rows(
        self, prompt: TextPrompt, packed: PackedAnswers, tokens: Sequence[_RegionTokens | None]
    ) -> torch.Tensor:
        """Log-probabilities (B, 1 + packed ids, V) of what follows the prompt and each of the ids, for each region.

        What stands between the picture and the first region is the same in all rows, and is read once for all.

        tokens: of the region that the prompt is about; None for a prompt about the whole picture.
        """
        head, tail = _split(prompt)
        region_ids = self.network.config.mask_token_id, self.network.config.pos_token_id
        begun = next((place for place, token in enumerate(tail) if token in region_ids), 0)
        prefix = self._prefix(head, self.encoding)
        beginning = self._beginning(tail[:begun], prefix)
        rest = [*tail[begun:], *packed.ids]
        each = [[] if region is None else [region] * len(prompt.regions) for region in tokens]
        embeds = torch.cat([self._embed_tail(rest, regions) for regions in each])  # (B, T, D)
        batch, device, llm = len(embeds), embeds.device, self.network.llm
        positions = prefix[0][0].shape[2] + packed.positions(len(tail), device)[begun:]
        expanded = tuple((k.expand(batch, -1, -1, -1), v.expand(batch, -1, -1, -1)) for k, v in beginning)
        visible = packed.visible(len(tail), device)[begun:]

        def read() -> torch.Tensor:
            logits = llm(
                inputs_embeds=embeds,
                attention_mask=visible[None, None].expand(batch, -1, -1, -1),
                position_ids=positions[None].expand(batch, -1),
                logits_to_keep=1 + len(packed.ids),
                use_cache=True,
                shared_prefix=prefix,
                **{CACHE_ARGUMENT: cache_of(llm.config, expanded, begun)},
            ).logits
            return torch.log_softmax(logits.float(), dim=-1)

        return self._decoding.run(read)

    def _beginning(self, ids: Sequence[int], prefix: KeyValues) -> KeyValues:
        """Keys and values of the words between the picture and the first region; () for none."""
        if not ids:
            return ()

        def compute() -> KeyValues:
            llm = self.network.llm
            cache = cache_of(llm.config)
            length, start = len(ids), prefix[0][0].shape[2]
            places = torch.arange(length, device=self._no_values.device)
            embeds = self._embed_tail(ids, ())
            self._decoding.run(
                lambda: llm.model(
                    inputs_embeds=embeds,
                    attention_mask=(places <= places[:, None])[None, None],
                    position_ids=(start + places)[None],
                    use_cache=True,
                    shared_prefix=prefix,
                    **{CACHE_ARGUMENT: cache},
                )
            )
            return key_values_of(cache)

        return self._cache.part(f"beginning {' '.join(map(str, ids))}", compute)

    def name(self, mask: np.ndarray, question: str = QUESTIONS["category"], guesses: int = GUESSES) -> NamedRegion:
        """What a region is in a word or phrase, how sure that is, and the next guesses.

        Args:
            mask: bool or {0, 1} (H, W) of the picture's own size; `<region1>` of the question.
            question: one that is answered by a name; the published category question unless another one is given.
            guesses: how many at most, the answer among them; those behind it have a probability of at least 0.01.

        Raises:
            InputError: the mask, the question or the number of guesses cannot be used.
        """
        if guesses < 1:
            raise InputError("engine.guesses_none", count=guesses)
        return self._known_name(as_mask(mask, self.size_hw), question, guesses)

    def _known_name(self, mask: np.ndarray, question: str, guesses: int) -> NamedRegion:
        """As `name`, for a mask bool (h, w) of any size that is stretched over the picture."""
        key = (CodedMask.of(mask).digest, question, guesses)
        with self._naming:
            known = self._names.get(key)
        if known is None:
            known = self._name(mask, question, guesses)
            with self._naming:
                self._names[key] = known
                while len(self._names) > KEPT_NAMES:
                    del self._names[next(iter(self._names))]
        return known

    def _name(self, mask: np.ndarray, question: str, guesses: int) -> NamedRegion:
        network, tokenizer, scale = (
            self.network,
            self.model.prompts.tokenizer,
            self.network.config.confidence,
        )
        read = self._read(question, [mask])
        found = guess_answers(
            network.llm,
            read.prefix,
            read.own,
            read.logits,
            tokenizer.eos_id,
            guesses + 3,
            MAX_NAME_TOKENS,
            self._decoding.run,
            self._decoding.prompt_pass,
        )
        best: dict[str, Guess] = {}
        for one in found:
            name = _text_of(one.ids, tokenizer).strip(" .")
            probability = math.exp(one.log_probability)
            if name and name not in best and (not best or probability >= LEAST_PROBABILITY):
                best[name] = Guess(name, probability, calibrated(probability, scale.slope, scale.offset))
        ranked = tuple(list(best.values())[:guesses])
        return NamedRegion(ranked, scale.unsure_below, self._finer_name(mask, ranked[0].name) if ranked else "")

    def survey(self, should_stop: Callable[[], bool] = lambda: False) -> tuple[SeenThing, ...]:
        """What the picture shows, by the names of its segments; see `osprey_core.survey`. Seconds at first, then kept.

        Args:
            should_stop: whether to end early, with what has been named so far; the next survey goes on from there.

        Raises:
            InputError: the model does not look at pictures so: only photographs, and only where its config says so.
            ModelNotFoundError, CheckpointError: the segmenter's weights are missing or damaged.
        """
        if not self._tells_by_segments:
            raise InputError("engine.survey_unable", model=self.model.name)
        while not self._surveying.acquire(timeout=0.1):  # somebody else's survey of the same picture
            if should_stop():
                return ()
        try:
            if self._survey is None and not should_stop():
                self._look_at_segments(should_stop)
            return seen_things(self._segment_names.values()) if self._survey is None else self._survey
        finally:
            self._surveying.release()

    def _look_at_segments(self, should_stop: Callable[[], bool]) -> None:
        """Name segments, the largest first; names that are known from a survey that was stopped stay."""
        found = self._segments.found(should_stop)
        for place, coded in enumerate((found or ())[:MOST_SEGMENTS]):
            segment = coded.mask()
            share = float(segment.mean())
            if share < LEAST_SEGMENT or place in self._segment_names:
                continue
            if should_stop():
                return
            self._segment_names[place] = share, self._known_name(segment, QUESTIONS["category"], 1)
        if found is not None:
            self._survey = seen_things(self._segment_names.values())

    @property
    def _tells_by_segments(self) -> bool:
        photographs = self.model.photographs
        if photographs is None or self.network is not photographs.network or self._photo_square is None:
            return False
        told_by = self.model.network.config.photographs
        return told_by is not None and told_by.whole_picture == "segments"

    def _told_by_segments(self, question: str, has_regions: bool) -> Callable[[Callable[[], bool]], str | None] | None:
        """What tells the answer to a question about the whole picture, unless the language model alone answers it."""
        if self._tells_by_segments and asks_about_whole_picture(question, has_regions):
            return lambda should_stop: told(self.survey(should_stop))
        counting = self.network.config.counting
        thing = None if counting is None else asked_thing(question)
        if counting is None or thing is None:
            return None
        reader = Reader(
            lambda mask: self._known_name(mask, QUESTIONS["category"], 1),
            self._region_likelihoods,
            self.picture_likelihoods,
        )
        return lambda should_stop: self._segments.tell(reader, question, thing, counting, should_stop)

    def _told_by_masks(
        self, question: str, prompt: TextPrompt, masks: Sequence[np.ndarray], asked: float
    ) -> Callable[[Callable[[], bool]], str | None] | None:
        """What tells how two regions lie to each other, unless the language model alone answers or it is not asked."""
        pair = asked_pair(question) if self.network.config.relations == "masks" else None
        if pair is None or not all(1 <= number <= len(masks) for number in pair):
            return None
        first, second = (masks[number - 1] for number in pair)

        def tell(should_stop: Callable[[], bool]) -> str | None:
            place = pair_place(first, second)
            with asked_at(asked):
                answers = self._likeliest_answers(prompt, masks, should_stop)
            return next((answer for answer in answers if agrees(said_relation(answer), place)), None)

        return tell

    @torch.inference_mode()
    def _likeliest_answers(
        self, prompt: TextPrompt, masks: Sequence[np.ndarray], should_stop: Callable[[], bool]
    ) -> list[str]:
        tokenizer, read = self.model.prompts.tokenizer, self._read_prompt(prompt, masks)
        found = likeliest_answers(
            self._decoding.prompt_pass,
            read.prefix,
            read.own,
            read.logits,
            tokenizer.eos_id,
            RELATION_ANSWERS,
            MAX_RELATION_TOKENS,
            self._decoding.run,
            should_stop,
        )
        return [_text_of(one.ids, tokenizer) for one in found]

    def _ids_told(
        self,
        tell: Callable[[Callable[[], bool]], str | None],
        prompt: TextPrompt,
        masks: Sequence[np.ndarray],
        settings: SamplingSettings,
        should_stop: Callable[[], bool],
        asked: float,
    ) -> Generator[int]:
        """Token ids of an answer that is told at once, or of the language model's where nothing is told."""
        answer = tell(should_stop)
        if should_stop():
            return
        if answer is None:
            yield from self._decode(prompt, masks, (), settings, should_stop, None, asked)
            return
        tokenizer = self.model.prompts.tokenizer
        yield from itertools.islice([*tokenizer.encode_piece(answer), tokenizer.eos_id], settings.max_new_tokens)

    @torch.inference_mode()
    def _finer_name(self, mask: np.ndarray, name: str) -> str:
        """What kind of the named thing the photo tower takes the region for; "" for models without close-ups."""
        near = self._close_up(mask) if name in kinds_of() else None
        if near is None:
            return ""
        tower = self.model.photo_encoder.tower
        return finer_name(name, tower.classify(near[CLOSE_UP_PREFIX + "head"])[0])

    def _begin(self, prompt: TextPrompt, masks: Sequence[np.ndarray], without: Collection[RegionToken]) -> _BegunPrompt:
        """The prompt's cached beginning, and the embeddings of the rest."""
        head, tail = _split(prompt)
        encoding = functools.cache(self.encoding)  # at most once for a question, even if it is evicted
        prefix = self._prefix(head, encoding)
        conversation = self._contents(tail, prompt.regions, masks, without)
        # The last position is never taken from the cache, because its logits are needed.
        cached_length, key_values = self._cache.recall(conversation[:-1])
        if tail[cached_length] == self.network.config.pos_token_id:
            cached_length -= 1  # a region's two tokens are embedded together
        new_regions = prompt.regions[tail[:cached_length].count(self.network.config.mask_token_id) :]
        tokens = {index: self._region_tokens(masks[index], encoding, without) for index in set(new_regions)}
        embeds = self._embed_tail(tail[cached_length:], [tokens[index] for index in new_regions])
        cache = cache_of(self.network.llm.config, key_values, cached_length)
        return _BegunPrompt(conversation, prefix, cache, embeds)

    def _contents(
        self,
        tail: Sequence[int],
        regions: Sequence[int],
        masks: Sequence[np.ndarray],
        without: Collection[RegionToken],
    ) -> list[Hashable]:
        """Content of each position of a conversation: a token id, or for a region's tokens the digest of its mask."""
        config = self.network.config
        digests = {index: CodedMask.of(masks[index]).digest for index in set(regions)}
        contents: list[Hashable] = list(tail)
        places = iter(regions)
        for place, token in enumerate(tail):
            if token == config.mask_token_id:
                digest = digests[next(places)]
                # The spatial token follows directly.
                contents[place] = ("mask", None if "mask" in without else digest)
                contents[place + 1] = ("pos", None if "pos" in without else digest)
        return contents

    @torch.inference_mode()
    def encoding(self) -> Encoding:
        """The picture's encoding; computed again if it was evicted from the cache."""
        return self._cache.part("encoding", lambda: self.model.encoding.run(self._encode))

    def keep_encoding(self, encoding: Encoding) -> None:
        """Use this encoding, which was computed together with those of other pictures."""
        self._cache.part("encoding", lambda: encoding)

    @property
    def _pixel_values(self) -> torch.Tensor:
        """What the encoder is given, (1, 3, S, S); made anew each time."""
        vision, like = self.network.config.vision, self._no_values
        values = normalised(self._pixels, vision.image_size, vision.mean, vision.std)[None]
        return values.to(like.device, like.dtype).contiguous(memory_format=VISION_LAYOUT)

    @property
    def inputs(self) -> tuple[torch.Tensor, np.ndarray | None]:
        """What the picture is encoded from: pixels (1, 3, S, S), and uint8 (512, 512, 3) for a photo tower."""
        return self._pixel_values, self._photo_square

    def _encode(self) -> Encoding:
        photo_levels = None if self._photo_square is None else self.take_photo_levels()
        return encoded(self.network, self._pixel_values, photo_levels, self.model.reads_in_bfloat16)

    def take_photo_levels(self) -> Mapping[str, torch.Tensor]:
        """What the photo tower sees in the picture, and keep it no longer."""
        levels, self._photo_levels = self._photo_levels, None
        if levels is not None:
            return levels
        assert self._photo_square is not None
        # Encoded once for all who look through that tower: the segmenter asks for the same levels.
        return self.model.photo_encoder.levels_of_square(self._photo_square)

    @torch.inference_mode()
    def _prefix(self, head: tuple[int, ...], encoding: Callable[[], Encoding]) -> KeyValues:
        """Keys and values of a prompt up to and including the picture."""

        def compute() -> KeyValues:
            network = self.network
            image_tokens = encoding().image_tokens
            no_tokens = image_tokens.new_zeros(0, image_tokens.shape[-1])
            ids = torch.tensor([head], device=image_tokens.device)
            embeds = network.embed_prompt(ids, image_tokens, no_tokens, no_tokens)[0]
            return self._decoding.run(functools.partial(self._read_beginning, embeds))

        return self._cache.part("prefix", compute)

    def _read_beginning(self, embeds: torch.Tensor) -> KeyValues:
        with picture_reading(self.model.reads_in_bfloat16):
            read = self._decoding.prompt_pass.beginning(embeds)
        if not self.model.reads_in_bfloat16:
            return read
        return tuple((in_full(keys), in_full(values)) for keys, values in read)

    def _length(self, prompt: TextPrompt) -> int:
        """Positions of a prompt: the picture's placeholder stands for all its tokens."""
        return len(prompt.ids) - 1 + self.network.config.vision.image_token_count

    def _settings(
        self, temperature: float, top_p: float, max_new_tokens: int | None, seed: int | None
    ) -> SamplingSettings:
        settings = SamplingSettings(temperature, top_p, max_new_tokens, seed)
        return settings.with_longest(self.model.generation_defaults.max_new_tokens)

    def _prompt(
        self,
        question: str,
        regions: Sequence[np.ndarray],
        history: Iterable[Turn | tuple[str, str]],
        about: Sequence[int] | None,
        requested: SamplingSettings,
    ) -> tuple[list[np.ndarray], TextPrompt, int, SamplingSettings]:
        """The checked masks, and what `_fit` returns."""
        masks = [as_mask(mask, self.size_hw) for mask in regions]
        turns = [turn if isinstance(turn, Turn) else Turn(*turn) for turn in history]
        return masks, *self._fit(question, len(masks), turns, about, requested)

    def _fit(
        self,
        question: str,
        region_count: int,
        turns: Sequence[Turn],
        about: Sequence[int] | None,
        requested: SamplingSettings,
    ) -> tuple[TextPrompt, int, SamplingSettings]:
        """The prompt with as much history as fits, the number of turns left out, and the settings with an answer length
        that fits. Raises ContextOverflowError if the question does not fit even without history."""
        config = self.network.config
        context = config.language.max_position_embeddings
        longest = requested.max_new_tokens
        assert longest is not None
        needed = min(MIN_ANSWER_TOKENS, longest)
        for left_out in range(len(turns) + 1):
            prompt = self.model.prompts.conversation(question, region_count, turns[left_out:], about)
            length = self._length(prompt)
            if length + needed <= context:
                room = min(longest, context - length)
                return prompt, left_out, dataclasses.replace(requested, max_new_tokens=room)
        raise ContextOverflowError("engine.question_too_long", tokens=length, limit=context)

    @torch.inference_mode()
    def close_ups(self, masks: Sequence[np.ndarray], is_urgent: bool = False) -> dict[str, torch.Tensor] | None:
        """What the photo tower sees of regions from near, pooled: (Q, C) a level. None for models without close-ups.

        is_urgent: whether they are seen before pictures are encoded that wait.
        """
        photo = self.network.config.vision.photo
        if photo is None or self._seen_near is None:
            return None
        size_hw = self._seen_near.shape[:2]
        shown = [
            close_up(self._seen_near, at_size(mask, size_hw), photo.close_up_size, photo.close_up_margin)
            for mask in masks
        ]
        encoder = self.model.photo_encoder
        together = len(shown) if encoder.device.type == "cuda" else CLOSE_UPS_AT_ONCE
        parts = [
            self.model.encoding.run(
                functools.partial(pooled_close_ups, encoder, shown[start : start + together]), is_urgent
            )
            for start in range(0, len(shown), together)
        ]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _close_up(self, mask: np.ndarray) -> dict[str, torch.Tensor] | None:
        """As `close_ups` of one mask; kept, because every question that starts anew about the region asks for it."""
        if self._seen_near is None:
            return None
        return self._cache.part(f"close-up {CodedMask.of(mask).digest}", lambda: self.close_ups([mask], is_urgent=True))

    @torch.inference_mode()
    def _region_tokens(
        self,
        mask: np.ndarray,
        encoding: Callable[[], Encoding],
        without: Collection[RegionToken] = (),
        near: dict[str, torch.Tensor] | None = None,
        is_urgent: bool = True,
    ) -> _RegionTokens:
        levels = encoding().levels
        near = near or self._close_up(mask)
        stack = torch.from_numpy(mask)[None].to(self._no_values.device)
        close_ups = None if near is None else [near]
        extractor = self.network.mask_extractor
        (mask_token,), (pos_token,) = self.model.encoding.run(lambda: extractor(levels, [stack], close_ups), is_urgent)
        return _RegionTokens(
            torch.zeros_like(mask_token) if "mask" in without else mask_token,
            torch.zeros_like(pos_token) if "pos" in without else pos_token,
        )

    @torch.inference_mode()
    def _embed_tail(self, tail: Sequence[int], regions: Sequence[_RegionTokens]) -> torch.Tensor:
        """Embeddings (1, T, D) of the ids after the picture, with the tokens of the regions that they contain."""
        no_tokens = self._no_values.new_zeros(0, self.network.config.language.hidden_size)
        ids = torch.tensor([tail], device=no_tokens.device)
        mask_tokens = torch.cat([no_tokens, *(region.mask for region in regions)])
        pos_tokens = torch.cat([no_tokens, *(region.pos for region in regions)])
        return self.network.splice(ids, no_tokens[None], mask_tokens, pos_tokens)


def check_finite(embeds: torch.Tensor) -> None:
    """Raise CheckpointError unless all values are finite: other engines answer such a prompt with silence."""
    if not bool(torch.isfinite(embeds).all()):
        raise CheckpointError("generation.logits_not_finite")


def _digest(mask: np.ndarray) -> str:
    """Digest of a mask's size and pixels, faster than that of its runs."""
    return hashlib.blake2b(b"%dx%d " % mask.shape + np.packbits(mask).tobytes(), digest_size=16).hexdigest()


def _text_of(ids: Sequence[int], tokenizer: TextTokenizer) -> str:
    text = AnswerText(tokenizer, STOP_STRINGS)
    return "".join(text.feed(token) for token in ids) + text.finish()


def _split(prompt: TextPrompt) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ids up to and including the picture, and the ids after it."""
    end = prompt.ids.index(IMAGE_PLACEHOLDER_ID) + 1
    return prompt.ids[:end], prompt.ids[end:]


def regions_or_masks(regions: Iterable[np.ndarray] | None, masks: Iterable[np.ndarray] | None) -> Iterable[np.ndarray]:
    """The argument `regions`, or `masks`, its old name. Raises TypeError unless exactly one of them was given."""
    if (regions is None) == (masks is None):
        raise TypeError("describe needs regions (masks is their old name), once.")
    if masks is not None:
        warnings.warn("describe(masks=…) is called describe(regions=…) now.", DeprecationWarning, stacklevel=3)
    return regions if masks is None else masks  # type: ignore[return-value]


def check_style(style: str) -> None:
    if style not in STYLES:
        raise InputError("engine.style_unknown", style=repr(style))


def _segments_of(
    device: str, in_bfloat16: bool, photo_square: np.ndarray | None, drawing: np.ndarray | None
) -> list[np.ndarray]:
    """What the segmenter of its kind finds in a picture: bool (h, w), stretched over it, the largest first.

    Args:
        photo_square: uint8 (512, 512, 3) of a photograph: the photo tower has seen it, and its encoding is shared.
        drawing: uint8 (h, w, 3), of a picture that the photo tower does not look at.
    """
    # Only what is asked for is loaded.
    if photo_square is not None:
        from osprey_core.segment.learned import SURVEY_GRID, load_learned

        found = load_learned(device, in_bfloat16, grid=SURVEY_GRID).open(photo_square).everything()
    elif drawing is not None:
        from osprey_core.segment.classic import ClassicSegmenter

        found = ClassicSegmenter().open(drawing).everything()
    else:
        return []
    return [segment.mask for segment in found]
