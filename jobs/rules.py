"""The rules by which a cycle starts by itself, and the questions that only a person can answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from jobs.config import Config
from jobs.schedule import is_quiet
from pipeline.differences import count_by_kind
from pipeline.records import Change, ChangeKind, FileState

NOT_GIVEN_UP = "not given up"
ARRIVING: tuple[ChangeKind, ...] = ("added", "replaced", "relabelled", "other split")


@dataclass(frozen=True)
class Rule:
    """One condition, whether it holds, and a sentence that says so."""

    name: str
    holds: bool
    sentence: str


@dataclass(frozen=True)
class Situation:
    """All that the rules look at."""

    images: int  # that a cycle would train and test on
    settling: int  # files that are being written
    changes: tuple[Change, ...]  # since the last finished cycle
    first: bool  # no cycle has finished over this folder yet
    waited_seconds: float  # for how long the oldest image that is not trained on yet has been there
    now: datetime  # aware
    given_up: str | None = None  # what is said of a cycle that was given up on these very images


def waited_seconds(changes: Iterable[Change], files: Iterable[FileState], now: datetime) -> float:
    """Return for how long the oldest of the images that have arrived has been there."""
    arrived = {change.path for change in changes if change.kind in ARRIVING}
    times = [file.ctime_ns / 1e9 for file in files if file.path in arrived]
    return max(0.0, now.timestamp() - min(times)) if times else 0.0


def rules(found: Situation, config: Config) -> tuple[Rule, ...]:
    """Return every rule, whether it holds or not; a cycle starts by itself if all do."""
    return (
        _arrivals(found, config),
        _settled(found, config),
        _quiet(found, config),
        _not_given_up(found),
    )


def _arrivals(found: Situation, config: Config) -> Rule:
    name = "new images"
    if found.first:
        return Rule(name, True, f"no cycle has finished on this folder yet; it holds {found.images:,} images")
    kinds = count_by_kind(found.changes)
    arrived = sum(kinds[kind] for kind in ARRIVING)
    counts = in_words(kinds)
    if arrived == 0:
        return Rule(name, False, f"nothing new since the last finished cycle ({counts})")
    if arrived >= config.min_new_images:
        return Rule(name, True, f"{counts} since the last finished cycle")
    waited, longest = found.waited_seconds, config.max_wait_seconds()
    few = f"{counts} since the last finished cycle, fewer than min_new_images = {config.min_new_images:,}"
    if waited >= longest:
        return Rule(name, True, f"{few}, but they have waited for longer than max_wait = {config.max_wait}")
    return Rule(name, False, few)


def _settled(found: Situation, config: Config) -> Rule:
    name = "settled"
    if not found.settling:
        return Rule(name, True, "no file is being written")
    writing = f"{found.settling:,} files are still being written"
    if found.images and found.waited_seconds >= config.max_wait_seconds():
        return Rule(
            name, True, f"{writing}, but others have waited for longer than max_wait = {config.max_wait}"
        )
    return Rule(name, False, f"{writing}; the cycle waits until they have settled")


def _quiet(found: Situation, config: Config) -> Rule:
    if not config.quiet_hours:
        return Rule("quiet hours", True, "no quiet hours are set")
    if is_quiet(config.quiet_hours, found.now):
        return Rule("quiet hours", False, f"these are quiet hours ({config.quiet_hours})")
    return Rule("quiet hours", True, f"the quiet hours ({config.quiet_hours}) are over")


def _not_given_up(found: Situation) -> Rule:
    return Rule(NOT_GIVEN_UP, found.given_up is None, found.given_up or "no cycle on them was given up")


def in_words(kinds: Mapping[ChangeKind, int]) -> str:
    """Return counts such as "3 new, 2 relabelled and 0 gone images"."""
    always = [(kinds["added"], "new"), (kinds["relabelled"], "relabelled"), (kinds["removed"], "gone")]
    seldom = [(kinds[kind], kind) for kind in ("replaced", "moved") if kinds[kind]]
    if kinds["other split"]:
        seldom.append((kinds["other split"], "moved to the other split"))
    *parts, last = [f"{count:,} {word}" for count, word in (*seldom, *always)]
    return f"{', '.join(parts)} and {last} images"
