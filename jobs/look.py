"""Look at the image folder: what is there, what is new, and whether that is a reason for a cycle."""

from dataclasses import dataclass, replace

from jobs.config import Config
from pipeline.errors import EmptyClass
from pipeline.records import Snapshot
from pipeline.scan import ScanResult
from pipeline.snapshot import take_snapshot


@dataclass(frozen=True)
class Look:
    """What a look at the image folder found."""

    scanned: ScanResult
    snapshot: Snapshot
    changes: "Changes"
    would_run: bool
    reason: str
    seconds: float  # what the scan took


@dataclass(frozen=True)
class Changes:
    """How a snapshot differs from the last one that a finished cycle trained on, in images."""

    new: int
    relabelled: int
    gone: int
    first: bool  # there is no finished cycle yet


def judge(scanned: ScanResult, config: Config, last: Snapshot | None, seconds: float) -> Look:
    """Freeze what a scan found as a snapshot and decide whether it is a reason for a cycle.

    Args:
        scanned: what the scan found.
        config: `test_fraction` and `min_new_images` are used.
        last: the snapshot of the last finished cycle over this folder.
        seconds: what the scan took.

    Raises:
        EmptyClass: a class has no image to train on, or none to test on, and nothing is still being written.
    """
    try:
        snapshot = take_snapshot(scanned.layout, scanned.files, test_fraction=config.test_fraction)
    except EmptyClass:
        if not scanned.settling:
            raise
        snapshot = Snapshot("", scanned.layout.classes, (), ())  # the class may be on its way
    snapshot = replace(snapshot, quarantined=snapshot.quarantined + scanned.unreadable_folders)
    changes = compare_snapshots(last, snapshot)
    would_run, reason = decide(changes, len(scanned.settling), config.min_new_images)
    return Look(scanned, snapshot, changes, would_run, reason, seconds)


def compare_snapshots(last: Snapshot | None, snapshot: Snapshot) -> Changes:
    """Count the images that are new, that have another label, and that are gone; by content, not by path."""
    before = {image.sha256: image.label for image in last.images} if last else {}
    now = {image.sha256: image.label for image in snapshot.images}
    return Changes(
        new=len(now.keys() - before.keys()),
        relabelled=sum(before[sha256] != now[sha256] for sha256 in now.keys() & before.keys()),
        gone=len(before.keys() - now.keys()),
        first=last is None,
    )


def decide(changes: Changes, settling: int, min_new_images: int) -> tuple[bool, str]:
    """Return whether a cycle should start by itself, and why, in one sentence."""
    if settling:
        return False, f"{settling:,} files are still being written; the cycle waits until they have settled"
    if changes.first:
        return True, f"no cycle has finished on this folder yet; it holds {changes.new:,} images"
    arrived = changes.new + changes.relabelled
    counts = f"{changes.new:,} new, {changes.relabelled:,} relabelled and {changes.gone:,} gone images"
    if arrived == 0:
        return False, f"nothing new since the last finished cycle ({counts})"
    if arrived < min_new_images:
        return (
            False,
            f"{counts} since the last finished cycle, fewer than min_new_images = {min_new_images:,}",
        )
    return True, f"{counts} since the last finished cycle"
