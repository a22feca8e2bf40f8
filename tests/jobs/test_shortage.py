"""What is said when memory runs out."""

from dataclasses import replace

import numpy as np
import pytest

from jobs.shortage import in_words, is_shortage, way_out
from pipeline.recipes import baseline_of, recipe_named
from pipeline.runtime import mx

FAST, CLASSIC = recipe_named("fast"), recipe_named("classic")


@pytest.mark.parametrize(
    "text",
    [
        "Traceback (most recent call last):\nMXNetError: Failed to allocate CPU Memory",
        "std::bad_alloc",
        "MXNetError: Check failed: e == cudaSuccess || cudaMalloc failed: out of memory",
        "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for a buffer of size 9",
        "[Errno 12] Cannot allocate memory",
        "can't start new thread",
    ],
)
def test_each_library_s_own_words_are_known(text: str) -> None:
    assert is_shortage(RuntimeError(text))


def test_other_errors_are_none() -> None:
    assert not is_shortage(RuntimeError("Check failed: shapes do not agree"))
    assert not is_shortage(ValueError("an in-memory file"))


def test_what_numpy_raises_for_more_than_there_can_be_is_known() -> None:
    with pytest.raises(MemoryError) as raised:
        np.empty(2**60, np.uint8)
    assert is_shortage(raised.value)


@pytest.mark.parametrize(
    ("kind", "recipe", "sentence"),
    [
        ("finetune", FAST, "use --set batch_size=16"),
        ("finetune", CLASSIC, "use --set batch_size=16 or --recipe fast"),
        ("scratch", baseline_of(FAST), "use --set baseline_batch_size=6 or --no-baseline"),
        ("scratch", replace(baseline_of(FAST), batch_size=1), "use --no-baseline"),
        ("finetune", replace(FAST, batch_size=1), "use a smaller --backbone, or free some memory"),
    ],
)
def test_the_settings_that_lower_it_depend_on_the_run(kind: str, recipe: object, sentence: str) -> None:
    assert way_out(kind, recipe) == sentence  # type: ignore[arg-type]


def test_it_is_one_sentence_with_what_where_and_how_to_mend_it() -> None:
    error = mx.MXNetError("Traceback:\n  File x\nMXNetError: Failed to allocate CPU Memory")
    assert in_words(error, "scratch", baseline_of(FAST)) == (
        "there is too little memory for the baseline of efficientnet_lite0 at batches of 12 "
        "(MXNetError: Failed to allocate CPU Memory); use --set baseline_batch_size=6 or --no-baseline"
    )
