"""Whether there is a reason for a cycle."""

import pytest

from jobs.look import Changes, compare_snapshots, decide
from pipeline.records import Snapshot, SnapshotImage


def snapshot(**labels: str) -> Snapshot:
    images = tuple(SnapshotImage(name, label, "train", name.encode()) for name, label in labels.items())
    return Snapshot("digest", ("cat", "dog"), images, ())


def test_changes_are_counted_by_content_and_a_relabelled_image_is_neither_new_nor_gone() -> None:
    before, now = snapshot(a="cat", b="cat", c="dog"), snapshot(a="cat", b="dog", d="dog", e="cat")
    assert compare_snapshots(before, now) == Changes(new=2, relabelled=1, gone=1, first=False)
    assert compare_snapshots(None, now) == Changes(new=4, relabelled=0, gone=0, first=True)


@pytest.mark.parametrize(
    ("changes", "settling", "minimum", "runs", "sentence"),
    [
        (Changes(9, 0, 0, True), 0, 50, True, "no cycle has finished"),
        (Changes(9, 0, 0, True), 2, 1, False, "2 files are still being written"),
        (Changes(0, 0, 0, False), 0, 1, False, "nothing new"),
        (Changes(0, 0, 5, False), 0, 1, False, "nothing new"),
        (Changes(3, 0, 0, False), 0, 1, True, "3 new, 0 relabelled and 0 gone"),
        (Changes(0, 2, 0, False), 0, 1, True, "2 relabelled"),
        (Changes(3, 2, 0, False), 0, 6, False, "fewer than min_new_images = 6"),
        (Changes(3, 2, 0, False), 0, 5, True, "3 new, 2 relabelled"),
    ],
)
def test_a_cycle_starts_for_enough_new_images_that_have_settled(
    changes: Changes, settling: int, minimum: int, runs: bool, sentence: str
) -> None:
    would_run, reason = decide(changes, settling, minimum)
    assert would_run is runs
    assert sentence in reason
