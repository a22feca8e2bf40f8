"""Say in one sentence that a training ended for want of memory, and how it goes on with less."""

from dataclasses import replace

from db import store
from pipeline.errors import OutOfMemory
from pipeline.recipes import Recipe
from pipeline.records import Run, RunKind

MOST_PARTS = 8  # of a batch; what does not fit then is no matter of its size
TOO_LITTLE = "there is too little memory for "

# What MXNet, oneDNN, the C++ library, ONNX Runtime, CUDA, Python and the system call it; in small letters.
SIGNS = (
    "bad_alloc",
    "failed to allocate",
    "memory allocation",
    "cannot allocate memory",
    "failed to map segment",
    "out of memory",
    "out_of_memory",
    "not enough memory",
    "cudamalloc",
    "can't start new thread",
)


def is_shortage(error: BaseException) -> bool:
    """Return whether an error says that there was too little memory."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in SIGNS)


def way_out(kind: RunKind, recipe: Recipe) -> str:
    """Return the settings that lower the memory of a run of this kind, as the end of a sentence.

    Args:
        kind: of the run that ended.
        recipe: the run's own settings; a baseline's are those of `baseline_of`.
    """
    name = "baseline_batch_size" if kind == "scratch" else "batch_size"
    ways = [f"--set {name}={max(1, recipe.batch_size // 2)}"] if recipe.batch_size > 1 else []
    if kind == "scratch":
        ways.append("--no-baseline")
    elif recipe.trains != "head":
        ways.append("--recipe fast")
    return f"use {' or '.join(ways)}" if ways else "use a smaller --backbone, or free some memory"


def out_of_memory(error: BaseException, kind: RunKind, recipe: Recipe, devices: int = 1) -> OutOfMemory:
    """Return what a shortage of memory in a run of this kind, on so many devices, is to be raised as."""
    job = "the baseline" if kind == "scratch" else "the fine-tuning"
    parts = 2 * recipe.gradient_parts
    goes_on = parts <= min(MOST_PARTS, -(-recipe.batch_size // devices))
    then = f"it goes on with each batch{_in_parts(parts, devices)}" if goes_on else way_out(kind, recipe)
    return OutOfMemory(
        f"{TOO_LITTLE}{job} of {recipe.backbone} at batches of {recipe.batch_size}"
        f"{_in_parts(recipe.gradient_parts, devices)} ({_what(error)}); {then}",
        goes_on=goes_on,
    )


def _in_parts(parts: int, devices: int) -> str:
    """Say in how many parts a batch is."""
    if devices == 1:
        return f" in {parts} parts" if parts > 1 else ""
    return f" in {parts} parts on each of {devices} devices" if parts > 1 else f" on {devices} devices"


def _what(error: BaseException) -> str:
    """Return the line that says what is lacking: MXNet puts a traceback before it, or behind it."""
    lines = (str(error).strip() or type(error).__name__).splitlines()
    told = [line for line in lines if any(sign in line.lower() for sign in SIGNS)]
    return (told or lines)[-1].strip().rstrip(".")


def with_smaller_parts(recipe: Recipe, earlier: Run | None) -> Recipe:
    """Return the recipe as a run is to use it after an earlier run of its kind in the same cycle.

    A batch is in twice as many parts where that run had too little memory, and else in as many as there.
    """
    if earlier is None:
        return recipe
    parts = int(earlier.settings.get(store.PARTS, 1))
    if ended_for_want_of_memory(earlier):
        parts = min(2 * parts, MOST_PARTS)
    return replace(recipe, gradient_parts=max(recipe.gradient_parts, parts))


def ended_for_want_of_memory(run: Run) -> bool:
    """Return whether a run failed since it had too little memory."""
    return run.status == "failed" and (run.error or "").startswith(TOO_LITTLE)


def note_of_parts(recipe: Recipe, devices: int = 1) -> str:
    """Say what it means that a batch is computed in parts, by each of so many devices."""
    if recipe.trains == "head":
        return f"memory had run out, so images pass the network {recipe.images_at_once} at a time"
    sentence = (
        f"memory had run out, so each batch of {recipe.batch_size} is computed"
        f"{_in_parts(recipe.gradient_parts, devices)}: their gradients add up to those of the batch"
    )
    if recipe.trains == "head, then all layers":  # there BatchNorm keeps its statistics
        return sentence
    return f"{sentence}, but BatchNorm takes its statistics over a part"
