import os

import pytest

from pipeline.conflicts import near_conflicts
from pipeline.layout import Layout
from pipeline.leaks import likeness
from pipeline.records import FileState, LabelDecision, Quarantined, SnapshotImage, SnapshotSummary
from pipeline.report.data import data_of, left_out
from pipeline.report.render import render_cycle
from pipeline.snapshot import Memory, take_snapshot
from tests.pipeline.example_cycles import finished_cycle
from tests.pipeline.page_text import text_of

LAYOUT = Layout(True, ("cat", "dog"))
BROKEN, TWICE, ALIKE, DECIDED = (
    Quarantined(b"train/cat/broken.jpg", "not an image"),
    Quarantined(b"train/cat/twice.jpg", "also under class 'dog'"),
    Quarantined(b"train/cat/alike.jpg", "shows the same picture as dog/a.jpg, which is under class 'dog'"),
    Quarantined(b"train/cat/out.jpg", "left out, as somebody has decided"),
)


def summary(*files: Quarantined) -> SnapshotSummary:
    return SnapshotSummary("d", ("cat", "dog"), {"train": {"cat": 3}, "test": {"dog": 1}}, files)


def test_the_files_are_told_apart_by_what_can_be_done_about_them() -> None:
    out = left_out((BROKEN, TWICE, ALIKE, DECIDED))

    assert (out.unusable, out.two_classes, out.decided) == ((BROKEN,), (TWICE, ALIKE), (DECIDED,))


def test_a_class_without_images_is_counted_with_nought() -> None:
    data = data_of(summary())

    assert [(row.label, row.train, row.test) for row in data.rows] == [("cat", 3, 0), ("dog", 0, 1)]
    assert (data.total.train, data.total.test) == (3, 1)


def test_each_list_is_bounded_by_itself() -> None:
    data = data_of(summary(*[BROKEN] * 60, *[TWICE] * 70))

    assert [
        (len(found.files), found.in_all) for found in (data.unusable, data.two_classes, data.decided)
    ] == [
        (50, 60),
        (50, 70),
        (0, 0),
    ]


def test_the_page_lists_conflicts_apart_from_unusable_files() -> None:
    text = text_of(render_cycle(finished_cycle(snapshot=summary(BROKEN, TWICE, ALIKE, DECIDED))))

    assert "In quarantine, since they cannot be used: 1 file\n" in text
    assert "Under two classes, left out until somebody decides: 2 files\n" in text
    assert "Left out, as somebody has decided: 1 file\n" in text


def test_a_page_without_conflicts_does_not_speak_of_them() -> None:
    text = text_of(render_cycle(finished_cycle(snapshot=summary())))

    assert "Under two classes" not in text
    assert "In quarantine" not in text


@pytest.fixture
def files() -> tuple[FileState, ...]:
    """Return two images a class and split, and one content under both classes."""
    names = [f"{split}/{label}/{n}" for split in ("train", "test") for label in ("cat", "dog") for n in "ab"]
    contents = {name: name for name in names} | {"train/cat/same": "same", "train/dog/same": "same"}
    return tuple(
        FileState(os.fsencode(name), 1, 0, 0, n, content, 4, 4, None)
        for n, (name, content) in enumerate(contents.items())
    )


def test_the_reasons_of_a_real_snapshot_are_known(files: tuple[FileState, ...]) -> None:
    out = "train/cat/a"
    memory = Memory(decisions={out: LabelDecision(out, None)})
    snapshot = take_snapshot(LAYOUT, files, memory=memory)
    found = left_out(snapshot.quarantined)

    assert [file.path for file in found.two_classes] == [b"train/cat/same", b"train/dog/same"]
    assert [file.path for file in found.decided] == [b"train/cat/a"]
    assert found.unusable == ()


def test_the_reason_of_a_near_duplicate_is_known() -> None:
    images = [SnapshotImage(name, name, "train", name.encode()) for name in ("cat", "dog")]
    like = likeness(images, dict.fromkeys(("cat", "dog"), bytes(range(16))))

    for decided, expected in (((), 2), (("cat",), 1)):
        files = [file for conflict in near_conflicts(like, decided) for file in conflict.quarantined()]
        assert len(left_out(files).two_classes) == expected
