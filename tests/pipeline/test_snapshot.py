"""The snapshot: one image per content, a split that stays, and nothing dropped without a word."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import EmptyClass
from pipeline.layout import Layout, find_layout
from pipeline.records import FileState, Quarantined, Snapshot, SnapshotImage, Split
from pipeline.snapshot import evenly, take_snapshot
from tests.pipeline.folders import files_of

DRAWN = Layout(split_folders=False, classes=("cat", "dog"), folder=Path("/photos"))
FOLDERS = Layout(split_folders=True, classes=("cat", "dog"), folder=Path("/photos"))


def file(path: str, content: str | None = None, problem: str | None = None) -> FileState:
    """A file whose content is named, by its path unless told otherwise."""
    sha256 = hashlib.sha256((content or path).encode()).hexdigest()
    return FileState(path.encode(), 1, 0, 0, 0, None if problem else sha256, 32, 24, problem)


def split_by_folders(*more: FileState) -> Snapshot:
    names = [f"{split}/{label}/1.jpg" for split in ("train", "test") for label in ("cat", "dog")]
    return take_snapshot(FOLDERS, [*map(file, names), *more])


def paths(snapshot: Snapshot) -> list[str]:
    return [image.path.decode() for image in snapshot.images]


def splits(snapshot: Snapshot) -> dict[str, Split]:
    return {image.sha256: image.split for image in snapshot.images}


def many(label: str, count: int) -> list[FileState]:
    return [file(f"{label}/{number}.jpg") for number in range(count)]


def test_the_folders_decide_label_and_split_and_the_images_are_in_order() -> None:
    snapshot = split_by_folders(file("train/cat/deep/er.jpg"), file("arrivals/cat/1.jpg"), file("loose.jpg"))
    rows = [(image.split, image.label, image.sha256) for image in snapshot.images]
    assert rows == sorted(rows)
    assert sorted(paths(snapshot)) == [
        "test/cat/1.jpg",
        "test/dog/1.jpg",
        "train/cat/1.jpg",
        "train/cat/deep/er.jpg",
        "train/dog/1.jpg",
    ]
    assert all(image.path.startswith(f"{image.split}/{image.label}/".encode()) for image in snapshot.images)
    assert snapshot.classes == ("cat", "dog")


def test_copies_in_one_class_count_once_with_the_smallest_path() -> None:
    snapshot = split_by_folders(file("train/cat/b.jpg", "same"), file("train/cat/a.jpg", "same"))
    assert "train/cat/a.jpg" in paths(snapshot)
    assert "train/cat/b.jpg" not in paths(snapshot)
    assert snapshot.quarantined == ()


def test_a_test_image_is_never_trained_on() -> None:
    snapshot = split_by_folders(file("train/cat/a.jpg", "same"), file("test/cat/z.jpg", "same"))
    assert "test/cat/z.jpg" in paths(snapshot)
    assert "train/cat/a.jpg" not in paths(snapshot)


def test_the_same_content_under_two_labels_is_left_out_of_both_and_listed() -> None:
    snapshot = split_by_folders(file("train/cat/a.jpg", "same"), file("test/dog/b.jpg", "same"))
    assert len(snapshot.images) == 4
    assert snapshot.quarantined == (
        Quarantined(b"test/dog/b.jpg", "also under class 'cat'"),
        Quarantined(b"train/cat/a.jpg", "also under class 'dog'"),
    )


def test_unusable_files_are_listed_with_their_problem() -> None:
    snapshot = split_by_folders(file("train/cat/a.jpg", problem="truncated"))
    assert snapshot.quarantined == (Quarantined(b"train/cat/a.jpg", "truncated"),)


EMPTY: dict[str, tuple[Layout, list[FileState], str]] = {
    "no image in a split": (
        FOLDERS,
        [file("train/cat/1"), file("train/dog/1"), file("test/dog/1")],
        "class 'cat' has no readable image in /photos/test/cat; add images or remove the folder",
    ),
    "only unusable ones": (
        FOLDERS,
        [file("train/cat/1", problem="truncated"), file("train/cat/2", problem="animated")],
        "class 'cat' has no readable image in /photos/train/cat (2 files are in quarantine); "
        "add images or remove the folder",
    ),
    "the only train image is also a test image": (
        FOLDERS,
        [file("train/cat/1", "a"), file("test/cat/1", "a"), file("train/dog/1"), file("test/dog/1")],
        "class 'cat' has no readable image in /photos/train/cat; add images or remove the folder",
    ),
    "an empty class": (
        DRAWN,
        many("dog", 5),
        "class 'cat' has no readable image in /photos/cat; add images or remove the folder",
    ),
    "one image for two splits": (
        DRAWN,
        [*many("dog", 5), file("cat/1"), file("cat/2", problem="no bytes")],
        "class 'cat' has only one readable image in /photos/cat (1 file is in quarantine), but needs one to "
        "train on and one to test on; add images or remove the folder",
    ),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_an_empty_class_is_refused_by_name(kind: str) -> None:
    layout, files, message = EMPTY[kind]
    with pytest.raises(EmptyClass) as refusal:
        take_snapshot(layout, files)
    assert str(refusal.value) == message


def test_the_drawn_split_is_near_the_asked_fraction() -> None:
    snapshot = take_snapshot(DRAWN, many("cat", 2000) + many("dog", 2000))
    assert 0.18 < len(snapshot.part("test")) / 4000 < 0.22


@pytest.mark.parametrize("count", range(2, 12))
def test_a_class_of_a_few_images_has_some_on_each_side(count: int) -> None:
    for test_fraction in (0.001, 0.2, 0.999):
        snapshot = take_snapshot(DRAWN, many("cat", count) + many("dog", count), test_fraction=test_fraction)
        sides = {(image.split, image.label) for image in snapshot.images}
        assert len(sides) == 4
        assert len(snapshot.images) == 2 * count


def test_the_digest_is_that_of_content_label_and_split_and_of_nothing_else() -> None:
    files = many("cat", 20) + many("dog", 20)
    snapshot = take_snapshot(DRAWN, files)
    lines = sorted(f"{image.sha256} {image.label} {image.split}\n" for image in snapshot.images)
    assert snapshot.digest == hashlib.sha256("".join(lines).encode()).hexdigest()

    renamed = [file(f"{state.path.decode()}.renamed", state.path.decode()) for state in files]
    assert take_snapshot(DRAWN, renamed).digest == snapshot.digest
    assert take_snapshot(DRAWN, files[1:]).digest != snapshot.digest


def moved(before: Snapshot, after: Snapshot) -> Iterable[str]:
    one, other = splits(before), splits(after)
    return [sha256 for sha256 in one.keys() & other.keys() if one[sha256] != other[sha256]]


# Enough for some of each class to be drawn to each side, for any fraction that the test below asks for.
ANCHORS = [file(f"{label}/anchor-{number}") for label in ("cat", "dog") for number in range(40)]
LABELS = st.sampled_from(("cat", "dog"))
FILES = st.dictionaries(st.tuples(LABELS, st.integers(0, 60)), st.integers(0, 40), max_size=40)


def states(names: dict[tuple[str, int], int], suffix: str = "") -> list[FileState]:
    return [file(f"{label}/{name}{suffix}", f"content {content}") for (label, name), content in names.items()]


@settings(max_examples=150, deadline=None)
@given(FILES, FILES, st.floats(0.05, 0.9))
def test_adding_removing_and_renaming_files_moves_no_image(
    some: dict[tuple[str, int], int], others: dict[tuple[str, int], int], test_fraction: float
) -> None:
    before = take_snapshot(DRAWN, ANCHORS + states(some), test_fraction=test_fraction)
    for files in (
        ANCHORS + states(others),
        ANCHORS + states(others) + states(some, " renamed"),
        ANCHORS[::-1] + states(some, " renamed")[::-1],
    ):
        assert moved(before, take_snapshot(DRAWN, files, test_fraction=test_fraction)) == []


@settings(max_examples=150, deadline=None)
@given(FILES, st.randoms(use_true_random=False))
def test_the_order_of_the_files_does_not_matter(names: dict[tuple[str, int], int], random: object) -> None:
    files = ANCHORS + states(names)
    shuffled = list(files)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert take_snapshot(DRAWN, shuffled) == take_snapshot(DRAWN, files)


@settings(max_examples=150, deadline=None)
@given(FILES)
def test_every_file_is_an_image_or_a_copy_of_one_or_in_quarantine(names: dict[tuple[str, int], int]) -> None:
    files = ANCHORS + states(names)
    snapshot = take_snapshot(DRAWN, files)
    kept = {(image.sha256, image.label) for image in snapshot.images}
    aside = {quarantined.path for quarantined in snapshot.quarantined}
    for state in files:
        label = state.path.split(b"/")[0].decode()
        assert ((state.sha256, label) in kept) != (state.path in aside)
    assert len({image.sha256 for image in snapshot.images}) == len(snapshot.images)


def test_the_real_photos_give_2000_to_train_and_500_to_test(catdog: Path) -> None:
    snapshot = take_snapshot(find_layout(catdog), files_of(catdog))
    assert (len(snapshot.part("train")), len(snapshot.part("test"))) == (2000, 500)
    assert snapshot.quarantined == ()


IMAGES = tuple(
    SnapshotImage(f"{i:064x}", "cat" if i % 5 else "dog", "train", b"%d.jpg" % i) for i in range(50)
)


def test_a_part_is_drawn_evenly_from_the_classes_as_far_as_they_reach() -> None:
    labels = [image.label for image in evenly(IMAGES, 12)]
    assert (labels.count("cat"), labels.count("dog")) == (6, 6)
    labels = [image.label for image in evenly(IMAGES, 30)]
    assert (labels.count("cat"), labels.count("dog")) == (20, 10)


def test_the_part_is_the_same_in_whatever_order_the_images_come() -> None:
    assert set(evenly(IMAGES, 7)) == set(evenly(IMAGES[::-1], 7))


def test_none_or_more_than_there_are_means_all() -> None:
    assert evenly(IMAGES, 0) == evenly(IMAGES, 50) == evenly(IMAGES, 99) == IMAGES
