from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db import store
from db.base import SPLITS
from db.batches import BATCH
from db.snapshots import load_images, load_thumbnails
from db.tables import ImageRow, SnapshotRow, SnapshotSpanRow
from pipeline.records import Quarantined, Snapshot, SnapshotImage
from tests.db.samples import NOON, PHOTOS, begin_cycle, end_cycle, sha, snapshot, store_snapshot


def count(session: Session, table: type) -> int | None:
    return session.scalar(select(func.count()).select_from(table))


def test_the_last_finished_snapshot_comes_back_as_it_was(session: Session) -> None:
    cycle_id, _ = begin_cycle(session)
    end_cycle(session, cycle_id)
    assert store.last_finished_snapshot(session, PHOTOS) == snapshot()


def test_a_cycle_that_failed_or_saw_another_folder_does_not_count(session: Session) -> None:
    assert store.last_finished_snapshot(session, PHOTOS) is None
    first, _ = begin_cycle(session, snapshot("abcd"))
    end_cycle(session, first)
    failed, _ = begin_cycle(session, snapshot("efgh"))
    end_cycle(session, failed, status="failed")
    elsewhere, _ = begin_cycle(session, snapshot("ijkl"), folder="/other")
    end_cycle(session, elsewhere)
    assert store.last_finished_snapshot(session, PHOTOS) == snapshot("abcd")


def test_the_last_folder_is_that_of_the_newest_finished_cycle(session: Session) -> None:
    assert store.last_finished_folder(session) is None
    for folder, status in ((PHOTOS, "finished"), ("/caf\udce9", "finished"), (PHOTOS, "failed")):
        cycle_id, _ = begin_cycle(session, folder=folder)
        end_cycle(session, cycle_id, status=status)  # type: ignore[arg-type]
    assert store.last_finished_folder(session) == "/caf\udce9"


def test_the_same_digest_is_stored_once_and_the_quarantine_belongs_to_the_cycle(session: Session) -> None:
    first, snapshot_id = begin_cycle(session)
    other = replace(snapshot(), quarantined=(Quarantined(b"z", "2nd"), Quarantined(b"a", "1st")))
    second, again = begin_cycle(session, other)
    assert (snapshot_id, count(session, SnapshotRow)) == (again, 1)
    assert count(session, SnapshotSpanRow) == len(snapshot().images)
    summaries = [store.load_cycle(session, cycle_id).snapshot for cycle_id in (first, second)]
    assert [summary and summary.quarantined for summary in summaries] == [
        snapshot().quarantined,
        other.quarantined,
    ]


def test_two_snapshots_share_their_images(session: Session) -> None:
    begin_cycle(session, snapshot("abcd"))
    begin_cycle(session, snapshot("abcdef"))
    assert count(session, ImageRow) == 6


def test_the_counts_have_every_class_of_every_split(session: Session) -> None:
    cycle_id, _ = begin_cycle(session, snapshot("abc"))
    summary = store.load_cycle(session, cycle_id).snapshot
    assert summary is not None
    assert summary.counts == {"train": {"cat": 1, "dog": 0}, "test": {"cat": 1, "dog": 1}}


def test_a_snapshot_larger_than_one_statement(session: Session) -> None:
    images = [SnapshotImage(sha(str(number)), "cat", "train", b"%d" % number) for number in range(BATCH + 10)]
    images.sort(key=lambda image: image.sha256)
    large = Snapshot(sha("large"), ("cat", "dog"), tuple(images), ())
    cycle_id, _ = begin_cycle(session, large)
    end_cycle(session, cycle_id)
    assert store.last_finished_snapshot(session, PHOTOS) == large


def test_one_image_cannot_be_twice_in_a_snapshot(session: Session) -> None:
    image = snapshot().images[0]
    twice = Snapshot(sha("twice"), ("cat", "dog"), (image, replace(image, path=b"copy")), ())
    with pytest.raises(IntegrityError), session.begin_nested():
        store_snapshot(session, twice)


def drawn_snapshot(random: Random, number: int) -> Snapshot:
    """Return a snapshot of some of ten images, of which a few have another label, split or path at times."""
    images = [
        SnapshotImage(
            sha(name), random.choice("aab"), random.choice(SPLITS), random.choice((b"x", b"x", b"y"))
        )
        for name in random.sample("abcdefghij", random.randint(3, 10))
    ]
    images.sort(key=lambda image: (image.split, image.label, image.sha256))
    return Snapshot(sha(f"snapshot {number}"), ("a", "b"), tuple(images), ())


def test_each_snapshot_stays_as_it_was_whatever_comes_after_it(session: Session) -> None:
    random = Random(7)
    stored = {}
    for number in range(20):
        drawn = drawn_snapshot(random, number)
        stored[store_snapshot(session, drawn)] = drawn
    assert {key: load_images(session, key, ("a", "b")) for key in stored} == {
        key: drawn.images for key, drawn in stored.items()
    }


def test_what_does_not_change_is_stored_once(session: Session) -> None:
    first, second = snapshot("abcdef"), snapshot("abcdefg")
    store_snapshot(session, first)
    moved = replace(second.images[0], path=b"elsewhere")
    store_snapshot(session, replace(second, images=(moved, *second.images[1:-1])))  # the last one is gone
    assert count(session, SnapshotSpanRow) == len(first.images) + 2  # the one that moved, and a new one


def test_a_snapshot_that_was_not_finished_is_as_if_it_had_not_been(session: Session) -> None:
    first, other = snapshot("abcdef"), snapshot("efghijkl")
    first_id = store_snapshot(session, first)
    cut_off = store.begin_snapshot(session, other, NOON)
    store.add_to_snapshot(session, cut_off, other.classes, [replace(i, path=b"p") for i in other.images])
    assert load_images(session, first_id, first.classes) == first.images
    assert store.snapshot_with(session, other.digest) is None
    later = snapshot("abcghi")
    later_id = store_snapshot(session, later)
    assert load_images(session, first_id, first.classes) == first.images
    assert load_images(session, later_id, later.classes) == later.images
    first_uses = dict(session.execute(select(ImageRow.sha256, ImageRow.first_snapshot_id)).tuples().all())
    assert {name: first_uses[sha(name)] for name in "agj"} == {"a": first_id, "g": later_id, "j": None}


def test_thumbnails_replace_earlier_ones(session: Session) -> None:
    store.save_thumbnails(session, {sha("a"): b"old", sha("b"): b"b"})
    store.save_thumbnails(session, {sha("a"): b"new"})
    wanted = [sha("b"), sha("never seen"), sha("a")]
    assert load_thumbnails(session, wanted, 9) == {sha("b"): b"b", sha("a"): b"new"}


def test_only_thumbnails_that_there_are_count_towards_the_limit(session: Session) -> None:
    store.save_thumbnails(session, {sha(name): name.encode() for name in "abc"})
    wanted = [sha(name) for name in ("never seen", "c", "c", "a", "b")]
    assert list(load_thumbnails(session, wanted, 2).values()) == [b"c", b"a"]
    assert load_thumbnails(session, wanted, 0) == {}
