"""What `tune` shows to people, and to programs."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.tune import Tuned
from pipeline.paired import Estimate, mean_estimate
from pipeline.recipes import Recipe
from pipeline.tuning import Confirmation, Tried, best_of

MOST_SHOWN = 10  # trials


def tune_document(tuned: Tuned) -> dict[str, Any]:
    """Return what `tune --json` prints; fields may be added, never renamed."""
    request, found = tuned.request, tuned.confirmation
    first = tuned.tried[0]
    return {
        "status": _status(tuned),
        "name": request.name,
        "recipe": str(tuned.written) if tuned.written else None,
        "begun_with": request.recipe.name,
        "backbone": request.recipe.backbone,
        "seed": request.config.seed,
        "test_images_used": 0,
        "search_images": len(first.losses),
        "trials": [_trial(one) for one in tuned.tried],
        "best": best_of(tuned.tried).number,
        "confirmation": _confirmation(found) if found else None,
        "seconds": tuned.seconds,
    }


def _status(tuned: Tuned) -> str:
    if tuned.stopped is not None:
        return "stopped"
    return "better" if tuned.written else "nothing gained"


def _trial(one: Tried) -> dict[str, Any]:
    """Return a trial; the figures of one that was given up are those of the images judged by then."""
    diverged = one.ending == "diverged"
    recipe = one.recipe
    return {
        "number": one.number,
        "ending": one.ending,
        "head_strengths": list(recipe.head_strengths),
        "last_stage_epochs": recipe.last_stage_epochs,
        "last_stage_learning_rate": recipe.last_stage_learning_rate if recipe.last_stage_epochs else None,
        "images": len(one.losses),
        "log_loss": None if diverged else asdict(mean_estimate(one.losses)),
        "accuracy": None if diverged else one.accuracy,
        "seconds": one.seconds,
    }


def _confirmation(found: Confirmation) -> dict[str, Any]:
    return {
        "images": len(found.after.losses),
        "before": _trial(found.before),
        "after": _trial(found.after),
        "log_loss_change": asdict(found.change),
    }


def show_tuned(console: Console, tuned: Tuned) -> None:
    """Print the best trials, and what came of them."""
    table = Table("trial", "C", "last stage", "log loss (95 % interval)", "accuracy", "seconds", box=None)
    first, *others = tuned.tried
    finished = sorted((one for one in others if one.ending == "finished"), key=lambda one: one.loss)
    for one in (first, *finished[:MOST_SHOWN]):
        table.add_row(*_cells(one))
    console.print(table)
    for sentence in _sentences(tuned):
        console.print(Text(sentence))


def _cells(one: Tried) -> Iterator[str]:
    recipe = one.recipe
    yield str(one.number) if one.number else recipe.name
    yield strength(recipe)
    yield last_stage(recipe)
    yield _in_words(mean_estimate(one.losses))
    yield f"{one.accuracy:.2%}"
    yield f"{one.seconds:.1f}"


def strength(recipe: Recipe) -> str:
    """Return the strength of a recipe's head."""
    only, *more = recipe.head_strengths
    return f"chosen from {len(more) + 1}" if more else f"{only:g}"


def last_stage(recipe: Recipe) -> str:
    """Return how a recipe trains the last stage."""
    epochs = recipe.last_stage_epochs
    if not epochs:
        return "frozen"
    return f"{_counted(epochs, 'epoch')} at {recipe.last_stage_learning_rate:g}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _in_words(estimate: Estimate) -> str:
    return f"{estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f})"


def _sentences(tuned: Tuned) -> Iterator[str]:
    first, *others = tuned.tried
    counts = {ending: sum(one.ending == ending for one in others) for ending in ("given up", "diverged")}
    yield (
        f"{_counted(len(others), 'trial')} in {tuned.seconds:.0f} s, {counts['given up']} of them given up "
        f"early, {counts['diverged']} diverged; judged on {len(first.losses):,} training images, each by a "
        "training without it; the test images were not used"
    )
    yield from _outcome(tuned, best_of(tuned.tried))


def _outcome(tuned: Tuned, best: Tried) -> Iterator[str]:
    request, found = tuned.request, tuned.confirmation
    name = request.recipe.name
    if tuned.stopped is not None:
        yield f"stopped by a signal, so no recipe was written; the best so far: {_named(best)}"
        return
    if found is None:
        why = f"trial {best.number} diverged on other images" if best.number else "no trial was better"
        yield f"{why}: {name} is as good, so no recipe was written"
        return
    yield (
        f"on {len(found.after.losses):,} training images that the search had not seen: log loss "
        f"{found.before.loss:.4f} with {name}, {found.after.loss:.4f} with trial {best.number}, "
        f"a change of {_in_words(found.change)}"
    )
    if tuned.written:
        yield (
            f"better by more than chance: {tuned.written}; use it by `run-now --recipe {request.name}`, "
            f'or by recipe = "{request.name}" in {request.home.settings_file}'
        )
        return
    yield f"that is within what chance explains: {name} is as good, so no recipe was written"


def _named(one: Tried) -> str:
    if not one.number:
        return f"{one.recipe.name} as it is, {one.loss:.4f}"
    return (
        f"trial {one.number}, {one.loss:.4f}, C = {strength(one.recipe)}, last stage {last_stage(one.recipe)}"
    )
