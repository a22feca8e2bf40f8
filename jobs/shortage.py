"""Say in one sentence that a training ended for want of memory, and which settings lower what it needs."""

from pipeline.recipes import Recipe
from pipeline.records import RunKind

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
    elif recipe.trains == "all layers":
        ways.append("--recipe fast")
    return f"use {' or '.join(ways)}" if ways else "use a smaller --backbone, or free some memory"


def in_words(error: BaseException, kind: RunKind, recipe: Recipe) -> str:
    """Return the sentence for a shortage of memory."""
    what = (str(error).strip() or type(error).__name__).splitlines()[-1].strip().rstrip(".")
    job = "the baseline" if kind == "scratch" else "the fine-tuning"
    return (
        f"there is too little memory for {job} of {recipe.backbone} at batches of {recipe.batch_size} "
        f"({what}); {way_out(kind, recipe)}"
    )
