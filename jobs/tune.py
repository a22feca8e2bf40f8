"""Search for settings of a recipe, and make a recipe of the home's own of them where they are better.

It writes the cache of features and one file, and only reads the database: so it has a lock of its own, and
neither a cycle nor the daemon waits for it.
"""

import contextlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.config import Config
from jobs.extras import missing
from jobs.glance import images_of_a_cycle
from jobs.home import Home
from jobs.home_lock import hold_home
from jobs.settings.own_recipe import file_of, recipe_text
from jobs.shortage import is_shortage
from jobs.stop import StopFlag
from pipeline.errors import BadSettings, CannotTune, Interrupted, OutOfMemory, WhiskerError
from pipeline.evaluate import Progress
from pipeline.publish import write_whole
from pipeline.recipes import Recipe

if TYPE_CHECKING:  # they import MXNet and Optuna
    from pipeline.arrays import Array
    from pipeline.cross_validation import Ground
    from pipeline.tuning import Confirmation, Tried

log = logging.getLogger("whisker")


@dataclass(frozen=True)
class TuneRequest:
    """What is to be searched for, and for how long."""

    home: Home
    config: Config
    recipe: Recipe  # what to begin with
    name: str  # of the recipe that is made
    minutes: float = 10.0  # after so many the search ends, and the trial at hand does not count;
    trials: int | None = None  # or, in place of that, after so many proposals
    overwrite: bool = False  # a recipe of this name
    weights: Path | None = None  # an explicit file of pretrained weights


@dataclass(frozen=True)
class Tuned:
    """What came of it."""

    request: TuneRequest
    tried: "tuple[Tried, ...]"  # the first one is the recipe as it was
    confirmation: "Confirmation | None"  # None: no trial was better in the search, or it was stopped
    written: Path | None  # the file of the recipe
    stopped: int | None  # the exit status, where a signal ended it
    seconds: float


def tune(request: TuneRequest, flag: StopFlag, progress: Progress) -> Tuned:
    """Search until the time or the trials are up, confirm the best, and write it if it is better.

    Only training images are used. A signal ends it within a trial; what was finished counts, and nothing is
    written.

    Raises:
        WhiskerError: it could not start, or failed.
        Interrupted: a signal came before the recipe as it is was judged.
    """
    started = time.perf_counter()
    home, config = request.home, request.config
    file = _checked(request)
    home.create(config.images_folder())
    with hold_home(home, "search", "a search for settings", pace=config.pace()):
        snapshot, prints = images_of_a_cycle(home, config, flag, progress)
        with _in_words(request.recipe):
            from jobs.tune_ground import prepare_ground  # it imports MXNet, which takes over a second

            ground, part = prepare_ground(request, snapshot, prints, flag, progress)
            tried, confirmation, stopped = _search(request, ground, part, progress, started)
        tuned = Tuned(
            request=request,
            tried=tuple(tried),
            confirmation=confirmation,
            written=file if confirmation and confirmation.is_better else None,
            stopped=stopped,
            seconds=time.perf_counter() - started,
        )
        if tuned.written and confirmation:
            write_whole(tuned.written, _text(request, confirmation).encode())
    return tuned


def _checked(request: TuneRequest) -> Path:
    """Check what can be known before anything is read; return the file that may be written.

    Raises:
        BadSettings: the name cannot be that of a new recipe, or Optuna is not installed.
        CannotTune: the recipe does not train on features.
    """
    file = file_of(request.home.settings_file, request.name)
    if file.exists() and not request.overwrite:
        raise BadSettings(f"{file} exists already; choose another --name, or --overwrite it")
    if request.recipe.trains != "head":
        raise CannotTune(
            f"the recipe {request.recipe.name!r} trains all layers, and what that gives cannot be told from "
            "the cached features of frozen ones; tune a recipe such as fast"
        )
    if said := missing("tune"):
        raise BadSettings(f"tune {said}")
    return file


class _TimeIsUp(Exception):
    """Ends the search in the middle of a trial."""


def _search(
    request: TuneRequest, ground: "Ground", part: "Array", progress: Progress, started: float
) -> "tuple[list[Tried], Confirmation | None, int | None]":
    """Try settings until the time or the trials are up, then confirm the best if it is better so far."""
    from pipeline.tuning import best_of, confirm, search

    tried: list[Tried] = []
    limited = _limited(ground, request, tried, progress, started) if request.trials is None else ground
    try:
        with contextlib.suppress(_TimeIsUp):
            for one in search(limited, part, request.recipe):
                tried.append(one)
                log.info("%s", _sentence(one))
                if request.trials is not None:
                    progress("trials", len(tried) - 1, request.trials)
                    if len(tried) > request.trials:
                        break
        best = best_of(tried)
        if best.number == 0:
            return tried, None, None
        progress("confirmation", 0, 0)
        return tried, confirm(ground, part, request.recipe, best), None
    except Interrupted as error:
        if not tried:
            raise
        return tried, None, error.exit_status


def _limited(
    ground: "Ground", request: TuneRequest, tried: "list[Tried]", progress: Progress, started: float
) -> "Ground":
    """Return the ground with a stop when the time is up, once the recipe as it is has been tried."""
    check_stop, most = ground.around.check_stop, 60 * request.minutes

    def check() -> None:
        check_stop()
        seconds = time.perf_counter() - started
        if tried:
            progress("seconds of the search", int(seconds), int(most))
            if seconds >= most:
                raise _TimeIsUp

    return replace(ground, around=replace(ground.around, check_stop=check))


def _sentence(one: "Tried") -> str:
    which = f"trial {one.number}" if one.number else f"the recipe {one.recipe.name} as it is"
    if one.ending != "finished":
        return f"{which}: {one.ending} after {one.seconds:.1f} s"
    return f"{which}: log loss {one.loss:.4f} in {one.seconds:.1f} s"


@contextmanager
def _in_words(recipe: Recipe) -> Iterator[None]:
    """Turn a lack of memory into one sentence."""
    try:
        yield
    except WhiskerError:
        raise
    except Exception as error:  # MXNet, numpy, ONNX Runtime and Python each have their own for want of memory
        if not is_shortage(error):
            raise
        raise OutOfMemory(
            f"there is too little memory to tune {recipe.backbone}; use a smaller --backbone, or free some "
            "memory",
            goes_on=False,
        ) from error


def _text(request: TuneRequest, found: "Confirmation") -> str:
    """Return the file of the recipe that was found."""
    name, change = request.recipe.name, found.change
    comments = (
        f"Found by `cli.py tune` on {datetime.now(UTC):%Y-%m-%d}, from {name!r}, by training images alone.",
        f"On {len(found.after.losses)} of them that the search had not seen its log loss was "
        f"{found.after.loss:.4f} instead of {found.before.loss:.4f},",
        f"a change of {change.value:.4f} (95 % interval {change.low:.4f} to {change.high:.4f}).",
    )
    base = request.config.own_recipes.get(name, name)
    return recipe_text(replace(found.after.recipe, name=request.name), base, comments)
