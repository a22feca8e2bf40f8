"""What an epoch of a run was: a pass over the images, or over what the frozen layers had made of them."""

from collections.abc import Sequence
from itertools import pairwise

from pipeline.records import Run
from pipeline.report.words import KINDS, NARROW

OVER = {
    "head": "over the stored features",
    "last stage": "of the last stage over stored activations",
    "all layers": "over the images",
}


def on_features(run: Run) -> bool:
    """Return whether the frozen layers saw each image once, so that no epoch reads images again."""
    return run.settings.get("trains") == "head"


def begins_on_features(run: Run) -> bool:
    """Return whether the first epochs read stored features, whatever the later ones do."""
    return run.settings.get("trains") in ("head", "head, then all layers")


def image_epochs(run: Run) -> int:
    """Return how many epochs of a run passed over the images themselves."""
    return sum(metrics.phase == "all layers" for metrics in run.epochs)


def phases(run: Run) -> tuple[tuple[str, int], ...]:
    """Return the phases of a run in order, each with its number of finished epochs."""
    counts: dict[str, int] = {}
    for metrics in run.epochs:
        counts[metrics.phase] = counts.get(metrics.phase, 0) + 1
    return tuple(counts.items())


def counted_passes(number: int, phase: str) -> str:
    """Return a number of epochs in words that say what such an epoch is."""
    noun = "pass" if number == 1 else "passes"
    return f"{number:,d}{NARROW}{noun} {OVER.get(phase, f'of {phase}')}"


def curve_note(runs: Sequence[Run]) -> str:
    """Say what the lines and the epochs of the learning curves mean; empty if they need no word."""
    trained = [run for run in runs if run.epochs]
    return " ".join(
        note for note in (_line_note(trained), _epoch_note(trained), _phase_note(trained)) if note
    )


def _line_note(runs: Sequence[Run]) -> str:
    return "Fine level line: the last value of the run that was done first." if len(runs) > 1 else ""


def _epoch_note(runs: Sequence[Run]) -> str:
    if not any(begins_on_features(run) for run in runs):
        return ""
    head = (
        "An epoch of the head is a pass over stored features: the network sees each image once, before the "
        "first of them, and the time of that counts for epoch 1."
    )
    others = " An epoch of all layers is a pass over the images."
    return head + others if any(image_epochs(run) for run in runs) else head


def _phase_note(runs: Sequence[Run]) -> str:
    changes = [
        f"from epoch {after.epoch} on, {KINDS[run.kind].lower()} trains {_named(after.phase)}"
        for run in runs
        for before, after in pairwise(run.epochs)
        if before.phase != after.phase
    ]
    return f"Dotted upright line: {'; '.join(changes)}." if changes else ""


def _named(phase: str) -> str:
    return phase if phase == "all layers" else f"the {phase}"
