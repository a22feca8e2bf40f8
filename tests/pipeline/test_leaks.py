"""The same picture in two places."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from pipeline.layout import Layout, find_layout
from pipeline.leaks import Likeness, leaks
from pipeline.near_duplicates import Pair
from pipeline.records import LabelDecision, Leak, Snapshot, SnapshotImage, Split
from pipeline.snapshot import Memory, take_snapshot
from tests.pipeline.folders import files_of
from tests.pipeline.pictures import save_picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of different pictures, 4 of each class to train and 2 to test on."""
    seed = 0
    for split, count in (("train", 4), ("test", 2)):
        for label in ("cat", "dog"):
            for number in range(count):
                seed += 1
                save_picture(tmp_path / split / label / f"{number}.jpg", seed)
    return tmp_path


def snapshot(folder: Path, memory: Memory | None = None, layout: Layout | None = None) -> Snapshot:
    files = files_of(folder)
    return take_snapshot(layout or find_layout(folder), files, memory=memory or Memory())


def copy_of(
    source: Path, target: Path, change: Callable[[Image.Image], Image.Image], quality: int = 80
) -> None:
    with Image.open(source) as image:
        change(image).save(target, quality=quality)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "none": lambda image: image.resize((160, 120)),
    "mirrored": ImageOps.mirror,
    "half turn": lambda image: image.rotate(180),
    "quarter turn": lambda image: image.rotate(90, expand=True),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_training_image_that_shows_a_test_image_is_left_out_of_training(folder: Path, kind: str) -> None:
    copy_of(folder / "test" / "cat" / "1.jpg", folder / "train" / "cat" / "copy.jpg", CHANGES[kind])
    found = snapshot(folder)
    (leak,) = found.leaks
    assert (leak.train.path, leak.test.path) == (b"train/cat/copy.jpg", b"test/cat/1.jpg")
    assert leak.transform.startswith(kind)
    assert b"train/cat/copy.jpg" not in {image.path for image in found.images}
    assert len(found.part("train")) == 8


def test_an_exact_copy_is_a_leak_too(folder: Path) -> None:
    (folder / "train" / "dog" / "copy.jpg").write_bytes((folder / "test" / "dog" / "0.jpg").read_bytes())
    (leak,) = snapshot(folder).leaks
    assert (leak.train.path, leak.test.path, leak.distance) == (b"train/dog/copy.jpg", b"test/dog/0.jpg", 0)


def test_different_pictures_are_no_leak_and_a_copy_within_training_is_none(folder: Path) -> None:
    copy_of(folder / "train" / "cat" / "1.jpg", folder / "train" / "cat" / "copy.jpg", CHANGES["none"])
    found = snapshot(folder)
    assert found.leaks == ()
    assert len(found.part("train")) == 9


def test_the_same_picture_under_two_classes_is_kept_out_until_somebody_decides(folder: Path) -> None:
    copy_of(folder / "train" / "cat" / "1.jpg", folder / "train" / "dog" / "copy.jpg", CHANGES["mirrored"])
    found = snapshot(folder)
    reasons = {os.fsdecode(problem.path): problem.reason for problem in found.quarantined}
    assert reasons == {
        "train/cat/1.jpg": "shows the same picture as train/dog/copy.jpg, which is under class 'dog'",
        "train/dog/copy.jpg": "shows the same picture as train/cat/1.jpg, which is under class 'cat'",
    }
    states = {file.path: file.sha256 for file in files_of(folder)}
    sha256 = states[b"train/dog/copy.jpg"]
    assert sha256 is not None
    decided = snapshot(folder, Memory(decisions={sha256: LabelDecision(sha256, "cat")}))
    assert decided.quarantined == ()
    assert decided.mended == 1
    labels = {image.path: image.label for image in decided.images}
    assert labels[b"train/dog/copy.jpg"] == "cat"


def test_an_image_that_somebody_has_left_out_is_in_quarantine(folder: Path) -> None:
    image = snapshot(folder).images[0]
    decided = snapshot(folder, Memory(decisions={image.sha256: LabelDecision(image.sha256, None)}))
    assert image.sha256 not in {other.sha256 for other in decided.images}
    assert [(q.path, q.reason) for q in decided.quarantined] == [
        (image.path, "left out, as somebody has decided")
    ]


def flat(tmp_path: Path, count: int) -> Path:
    for number in range(count):
        for label in ("cat", "dog"):
            save_picture(tmp_path / label / f"{number}.jpg", 100 * number + len(label) + ord(label[0]))
    return tmp_path


def drawn(found: Snapshot) -> dict[str, Split]:
    return {image.sha256: image.split for image in found.images}


def test_a_drawn_split_keeps_near_duplicates_on_one_side(tmp_path: Path) -> None:
    folder = flat(tmp_path, 10)
    for number in range(10):
        copy_of(folder / "cat" / f"{number}.jpg", folder / "cat" / f"copy-{number}.jpg", CHANGES["mirrored"])
    found = snapshot(folder)
    assert found.leaks == ()
    side = {os.fsdecode(image.path): image.split for image in found.images}
    assert {side[f"cat/{n}.jpg"] == side[f"cat/copy-{n}.jpg"] for n in range(10)} == {True}
    assert {"train", "test"} == {split for path, split in side.items() if path.startswith("cat")}


def test_a_stored_split_stays_whatever_comes_and_its_copies_follow_it(tmp_path: Path) -> None:
    folder = flat(tmp_path, 10)
    stored = drawn(snapshot(folder))
    sides = {sha256: "test" if split == "train" else "train" for sha256, split in stored.items()}
    memory = Memory(drawn=sides)  # type: ignore[arg-type]
    copy_of(folder / "dog" / "3.jpg", folder / "dog" / "copy.jpg", CHANGES["quarter turn"])
    found = snapshot(folder, memory)
    now = drawn(found)
    assert {sha256: now[sha256] for sha256 in sides} == sides
    side = {image.path: image.split for image in found.images}
    assert side[b"dog/copy.jpg"] == side[b"dog/3.jpg"]


def test_a_copy_of_two_stored_images_on_both_sides_leaks_into_neither(tmp_path: Path) -> None:
    folder = flat(tmp_path, 10)
    copy_of(folder / "cat" / "1.jpg", folder / "cat" / "one.jpg", CHANGES["none"])
    found = snapshot(folder)
    states = {file.path: file.sha256 or "" for file in files_of(folder)}
    both: dict[str, Split] = {**drawn(found), states[b"cat/1.jpg"]: "train", states[b"cat/one.jpg"]: "test"}
    (leak,) = snapshot(folder, Memory(drawn=both)).leaks
    assert (leak.train.path, leak.test.path) == (b"cat/1.jpg", b"cat/one.jpg")


def test_copies_of_a_leaked_picture_leak_too_however_many_there_are(folder: Path) -> None:
    original = (folder / "test" / "cat" / "0.jpg").read_bytes()
    for number in range(3):
        (folder / "train" / "cat" / f"copy-{number}.jpg").write_bytes(original + b" " * number)
    found = snapshot(folder)
    assert [leak.train.path for leak in found.leaks] == [b"train/cat/copy-%d.jpg" % n for n in range(3)]
    assert {leak.test.path for leak in found.leaks} == {b"test/cat/0.jpg"}


def chains(count: int, seed: int) -> tuple[Likeness, list[SnapshotImage]]:
    """Return groups of a few images in a chain with chords, at random distances and on random sides."""
    random = np.random.default_rng(seed)
    images = [
        SnapshotImage(f"{number:064x}", "cat", "test" if random.random() < 0.3 else "train", b"%d" % number)
        for number in range(count)
    ]
    steps = [(left, left + 1) for left in range(count - 1) if left % 7 < 6]
    steps += [(left, left + 2) for left in range(count - 2) if left % 7 < 5 and random.random() < 0.5]
    pairs = [Pair(*step, int(random.integers(0, 21)), random.choice(["none", "mirrored"])) for step in steps]
    return Likeness(tuple(images), tuple(sorted(pairs, key=lambda pair: (pair.left, pair.right)))), images


def expected_leak(like: Likeness, place: int) -> Leak | None:
    """Say by looking through everything what the leak of one image is."""
    group = next((group for group in like.groups if place in group), [])
    tests = [other for other in group if like.images[other].split == "test"]
    if like.images[place].split == "test" or not tests:
        return None
    own = [pair for pair in like.pairs if place in (pair.left, pair.right)]
    direct = [pair for pair in own if {pair.left, pair.right} & set(tests)]
    nearest = min(direct or own, key=lambda pair: pair.distance)
    partner = nearest.left + nearest.right - place
    test = like.images[partner if partner in tests else tests[0]]
    return Leak(like.images[place], test, nearest.distance, nearest.transform)


@pytest.mark.parametrize("seed", range(5))
def test_each_of_many_leaks_names_its_own_nearest_test_image(seed: int) -> None:
    like, images = chains(700, seed)
    expected = [leak for place in range(len(images)) if (leak := expected_leak(like, place))]
    assert len(expected) > 300
    found = leaks(images, like)
    assert sorted(found, key=lambda leak: leak.train.sha256) == expected


def test_an_image_that_was_left_out_is_neither_a_leak_nor_named_in_one() -> None:
    like, images = chains(70, 1)
    left = [image for image in images if int(image.sha256, 16) % 3]
    found = leaks(left, like)
    assert found
    assert {image for leak in found for image in (leak.train, leak.test)} <= set(left)
