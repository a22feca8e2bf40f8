"""What is said when memory runs out, and how a run goes on with less."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from jobs.shortage import (
    ended_for_want_of_memory,
    is_shortage,
    note_of_parts,
    out_of_memory,
    way_out,
    with_smaller_parts,
)
from pipeline.recipes import Recipe, baseline_of, recipe_named
from pipeline.records import Run, Status
from pipeline.runtime import mx
from tests.db.samples import NOON

FAST, CLASSIC, THOROUGH = (recipe_named(name) for name in ("fast", "classic", "thorough"))


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
        ("finetune", THOROUGH, "use --set batch_size=6 or --recipe fast"),
        ("scratch", baseline_of(FAST), "use --set baseline_batch_size=6 or --no-baseline"),
        ("scratch", replace(baseline_of(FAST), batch_size=1), "use --no-baseline"),
        ("finetune", replace(FAST, batch_size=1), "use a smaller --backbone, or free some memory"),
    ],
)
def test_the_settings_that_lower_it_depend_on_the_run(kind: str, recipe: object, sentence: str) -> None:
    assert way_out(kind, recipe) == sentence  # type: ignore[arg-type]


GPU = """[17:12:03] src/storage/./pooled_storage_manager.h:188: cudaMalloc retry failed: out of memory
Stack trace:
  [bt] (0) libmxnet.so(+0x49640b) [0x7fcd6d02340b]
"""


@pytest.mark.parametrize(
    "text", ["Traceback:\n  File x\nMXNetError: Failed to allocate CPU Memory", GPU], ids=["host", "GPU"]
)
def test_it_is_one_sentence_with_what_where_and_how_it_goes_on(text: str) -> None:
    error = out_of_memory(mx.MXNetError(text), "scratch", baseline_of(FAST))
    what = next(line for line in text.splitlines() if "emory" in line)
    assert str(error) == (
        "there is too little memory for the baseline of efficientnet_lite0 at batches of 12 "
        f"({what}); it goes on with each batch in 2 parts"
    )
    assert error.goes_on


def test_on_several_devices_each_computes_its_share_in_parts() -> None:
    error = out_of_memory(MemoryError(), "finetune", CLASSIC, 2)
    assert " at batches of 32 on 2 devices (MemoryError); " in str(error)
    assert str(error).endswith("it goes on with each batch in 2 parts on each of 2 devices")
    assert not out_of_memory(MemoryError(), "finetune", replace(CLASSIC, batch_size=8), 8).goes_on
    said = note_of_parts(replace(CLASSIC, gradient_parts=2), 2)
    assert "each batch of 32 is computed in 2 parts on each of 2 devices: their gradients add up" in said


@pytest.mark.parametrize("recipe", [replace(CLASSIC, gradient_parts=8), replace(CLASSIC, batch_size=1)])
def test_a_batch_that_cannot_be_smaller_is_the_end_with_a_way_out(recipe: Recipe) -> None:
    error = out_of_memory(MemoryError(), "finetune", recipe)
    assert not error.goes_on
    assert str(error).endswith("(MemoryError); " + way_out("finetune", recipe))


COUNTS = {
    "train_images": 4, "test_images": 2, "started_at": NOON, "seconds": 1.0, "images_per_second": None,
}  # fmt: skip


def run(status: Status, error: str | None, parts: int = 1) -> Run:
    """Return a run of the recipe `classic`, as a cycle has it that was cut off."""
    settings = asdict(replace(CLASSIC, gradient_parts=parts))
    facts = {"settings": settings, "environment": {}, "device": "cpu", "seed": 0, "error": error}
    return Run(1, 1, "finetune", status, "resnet18_v2", "classic", **facts, **COUNTS)  # type: ignore[arg-type]


def test_only_want_of_memory_makes_the_parts_smaller_and_they_stay_so() -> None:
    sentence = str(out_of_memory(MemoryError(), "finetune", CLASSIC))
    ended = run("failed", sentence)
    assert ended_for_want_of_memory(ended)
    assert with_smaller_parts(CLASSIC, None) == CLASSIC
    assert with_smaller_parts(CLASSIC, ended).gradient_parts == 2
    assert with_smaller_parts(CLASSIC, run("failed", sentence, 4)).gradient_parts == 8
    assert with_smaller_parts(CLASSIC, run("interrupted", "killed", 4)).gradient_parts == 4
    assert with_smaller_parts(replace(CLASSIC, gradient_parts=3), ended).gradient_parts == 3
    assert with_smaller_parts(CLASSIC, run("failed", "the loss became nan")).gradient_parts == 1


def test_the_record_says_what_the_parts_change() -> None:
    assert note_of_parts(replace(FAST, gradient_parts=4)).endswith("images pass the network 8 at a time")
    assert "BatchNorm takes its statistics over a part" in note_of_parts(replace(CLASSIC, gradient_parts=2))
    assert note_of_parts(replace(THOROUGH, gradient_parts=2)).endswith("add up to those of the batch")
