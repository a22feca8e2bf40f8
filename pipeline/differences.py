"""What has changed from one snapshot to the next, by content and not by path."""

from collections import Counter
from collections.abc import Iterable, Mapping

from pipeline.records import Change, ChangeKind, Snapshot, SnapshotImage


def differences(last: Snapshot | None, now: Snapshot) -> tuple[Change, ...]:
    """Return how `now` differs from `last`; everything is added if there is no last one.

    Each image of either snapshot is in at most one change, and a file with new content is one replacement,
    not an image gone and an image added.
    """
    before = {image.sha256: image for image in last.images} if last else {}
    after = {image.sha256: image for image in now.images}
    gone = {image.path: image for sha256, image in before.items() if sha256 not in after}
    changes = [_change(image, before.get(image.sha256), gone) for image in now.images]
    replaced = {change.before for change in changes if change and change.kind == "replaced"}
    removed = (image for image in gone.values() if image.sha256 not in replaced)
    found = [change for change in changes if change] + [_as_change("removed", image) for image in removed]
    return tuple(sorted(found, key=lambda change: (change.kind, change.label, change.path)))


def _change(
    image: SnapshotImage, before: SnapshotImage | None, gone: Mapping[bytes, SnapshotImage]
) -> Change | None:
    if before is None:
        former = gone.get(image.path)
        return _as_change("replaced", image, former.sha256) if former else _as_change("added", image)
    if before.label != image.label:
        return _as_change("relabelled", image, before.label)
    if before.split != image.split:
        return _as_change("other split", image, before.split)
    return None if before.path == image.path else _as_change("moved", image)


def _as_change(kind: ChangeKind, image: SnapshotImage, before: str | None = None) -> Change:
    return Change(kind, image.sha256, image.path, image.label, image.split, before)


def bounded(changes: Iterable[Change], each: int = 200) -> tuple[Change, ...]:
    """Return the first changes of each kind and class, so that a record stays small; counts tell the rest."""
    seen: Counter[tuple[ChangeKind, str]] = Counter()
    kept = []
    for change in changes:
        seen[change.kind, change.label] += 1
        if seen[change.kind, change.label] <= each:
            kept.append(change)
    return tuple(kept)


def count_by_kind_and_label(changes: Iterable[Change]) -> dict[str, dict[str, int]]:
    """Return how many images of each class changed in each way."""
    counts: dict[str, dict[str, int]] = {}
    for change in changes:
        by_label = counts.setdefault(change.kind, {})
        by_label[change.label] = by_label.get(change.label, 0) + 1
    return counts


def count_by_kind(changes: Iterable[Change]) -> Counter[ChangeKind]:
    """Return how many images changed in each way."""
    return Counter(change.kind for change in changes)
