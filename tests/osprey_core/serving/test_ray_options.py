"""Options of the Ray Serve application, without Ray."""

from __future__ import annotations

import pytest

from osprey_core.serving.ray_options import ClusterOptions


def test_vllm_decodes_where_it_can() -> None:
    assert ClusterOptions().takes_vllm("cuda:0", True)
    assert ClusterOptions(engine="vllm").takes_vllm("cpu", False)
    for options, device, is_installed in (
        (ClusterOptions(), "cpu", True),
        (ClusterOptions(), "cuda:0", False),
        (ClusterOptions(engine="local"), "cuda:0", True),
        (ClusterOptions(quantize="4bit"), "cuda:0", True),
    ):
        assert not options.takes_vllm(device, is_installed)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"engine": "vllm", "quantize": "int8"}, "vLLM takes plain weights only"),
        ({"quantize": "5bit"}, "'none', 'int8', '8bit' or '4bit'"),
        ({"dtype": "float8"}, "'float32', 'bfloat16' or 'float16'"),
    ],
)
def test_words_that_cannot_be_used_are_refused(words: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ClusterOptions.model_validate(words)
