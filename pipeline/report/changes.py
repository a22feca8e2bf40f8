"""What the section on changes shows: how the images differ from those of the last finished cycle."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

from pipeline.differences import count_by_kind_and_label
from pipeline.pictures import thumbnail_uri
from pipeline.records import Change, Cycle

MOST_PICTURES = 24
KINDS = {
    "added": "Added",
    "relabelled": "Other class",
    "replaced": "Same file, other picture",
    "removed": "Removed",
    "other split": "From training to test or back",
    "moved": "Moved or renamed",
}
PICTURED = ("relabelled", "replaced", "added", "removed")  # what tells most comes first


@dataclass(frozen=True)
class ChangeRow:
    """How many images of each class changed in one way."""

    name: str
    counts: tuple[int, ...]
    total: int


@dataclass(frozen=True)
class ShownChange:
    """A changed image; `picture` is a data: URI, or None if there is no thumbnail."""

    change: Change
    words: str
    picture: str | None


@dataclass(frozen=True)
class Changes:
    """The changes as numbers, and some of them as pictures."""

    labels: tuple[str, ...]  # the columns
    rows: tuple[ChangeRow, ...]  # empty if nothing changed, or if there was no cycle before
    total: ChangeRow
    shown: tuple[ShownChange, ...]


def changes_of(cycle: Cycle) -> Changes:
    """Work out the section; the stored counts are of all changes, of which the cycle has some."""
    counts = cycle.change_counts or count_by_kind_and_label(cycle.changes)
    labels = tuple(sorted({label for of_kind in counts.values() for label in of_kind}))
    kinds = sorted(counts, key=lambda kind: (list(KINDS).index(kind) if kind in KINDS else len(KINDS), kind))
    rows = tuple(
        _row(KINDS.get(kind, kind), [counts[kind].get(label, 0) for label in labels]) for kind in kinds
    )
    total = _row("All changes", [sum(row.counts[column] for row in rows) for column in range(len(labels))])
    return Changes(labels, rows, total, _shown(cycle))


def most_telling(changes: Iterable[Change], most: int = MOST_PICTURES) -> tuple[Change, ...]:
    """Return the changes to be shown as pictures, sorted by kind and class.

    They are dealt from the kinds and classes in turn, so that a thousand new cats hide no relabelled dog.
    Where only the file name or the split is another, there is nothing to see.
    """
    groups: dict[tuple[int, str], list[Change]] = defaultdict(list)
    for change in changes:
        if change.kind in PICTURED:
            groups[_group(change)].append(change)
    dealt = chain.from_iterable(zip_longest(*(groups[key] for key in sorted(groups))))
    picked = islice((change for change in dealt if change is not None), most)
    return tuple(sorted(picked, key=_group))


def _row(name: str, counts: Sequence[int]) -> ChangeRow:
    return ChangeRow(name, tuple(counts), sum(counts))


def _shown(cycle: Cycle) -> tuple[ShownChange, ...]:
    worth_it = [change for change in cycle.changes if _is_worth_showing(change, cycle.thumbnails)]
    picked = most_telling(sorted(worth_it, key=lambda change: change.sha256 not in cycle.thumbnails))
    return tuple(
        ShownChange(change, _in_words(change), thumbnail_uri(cycle.thumbnails, change.sha256))
        for change in picked
    )


def _is_worth_showing(change: Change, thumbnails: Mapping[str, bytes]) -> bool:
    return change.kind != "removed" or change.sha256 in thumbnails


def _group(change: Change) -> tuple[int, str]:
    return PICTURED.index(change.kind), change.label


def _in_words(change: Change) -> str:
    if change.kind == "relabelled":
        return f"{change.before} \N{RIGHTWARDS ARROW} {change.label}"
    return f"{change.kind}, {change.label}"
