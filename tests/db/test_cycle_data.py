from collections import Counter
from collections.abc import Sequence
from types import MappingProxyType
from typing import get_args

import pytest
from sqlalchemy.orm import Session

from db import store
from db.batches import BATCH
from pipeline.errors import NoSuchRecord
from pipeline.records import Change, ChangeKind, Leak, SnapshotImage, Suspect
from tests.db.samples import NOT_UTF8, begin_cycle, begin_run, end_cycle, evaluation, sha, snapshot

CHANGES = (
    Change("replaced", sha("a"), NOT_UTF8, "cat", "test", before=sha("z")),
    Change("removed", sha("x"), b"train/bird/x.jpg", "bird", "train"),
    Change("relabelled", sha("b"), b"b", "dog", "train", before="cat"),
    Change("added", sha("c"), b"c", "cat", "train"),
    Change("moved", sha("d"), b"d", "dog", "test"),
    Change("other split", sha("e"), b"e", "cat", "test", before="train"),
)
COUNTS = {"added": {"cat": 1200, "dog": 0}, "removed": {"bird": 1}}
LEAKS = (
    Leak(
        train=SnapshotImage(sha("y"), "dog", "train", NOT_UTF8),
        test=SnapshotImage(sha("b"), "cat", "test", b"test/cat/b.jpg"),
        distance=3,
        transform="turned 90",
    ),
    Leak(
        train=SnapshotImage(sha("w"), "cat", "train", b"w"),
        test=SnapshotImage(sha("a"), "cat", "test", b"a"),
        distance=0,
        transform="same",
    ),
)
SUSPECTS = (
    Suspect(sha("d"), NOT_UTF8, "dog", "cat", 0.1, 0.875),
    Suspect(sha("c"), b"c", "cat", "dog", 0.25, -0.5),
)


def set_data(
    session: Session, cycle_id: int, *, changes: Sequence[Change] = CHANGES, leaks: Sequence[Leak] = LEAKS
) -> None:
    store.set_cycle_data(session, cycle_id, changes=changes, change_counts=COUNTS, leaks=leaks, mended=2)


def finished_cycle(session: Session, suspects: Sequence[Suspect]) -> int:
    cycle_id, _ = begin_cycle(session)
    store.add_suspects(session, cycle_id, suspects)
    end_cycle(session, cycle_id)
    return cycle_id


def test_a_cycle_comes_back_with_its_changes_leaks_and_suspects_in_their_order(session: Session) -> None:
    cycle_id, _ = begin_cycle(session)
    set_data(session, cycle_id)
    store.add_suspects(session, cycle_id, SUSPECTS)
    session.flush()
    session.expire_all()
    cycle = store.load_cycle(session, cycle_id)
    assert (cycle.changes, cycle.change_counts, cycle.mended) == (CHANGES, COUNTS, 2)
    assert (cycle.leaks, cycle.suspects) == (LEAKS, SUSPECTS)


def test_every_kind_of_change_is_tried() -> None:
    assert {change.kind for change in CHANGES} == set(get_args(ChangeKind))


def test_a_cycle_without_data_has_none(session: Session) -> None:
    cycle_id, _ = begin_cycle(session)
    cycle = store.load_cycle(session, cycle_id)
    assert (cycle.changes, cycle.change_counts, cycle.leaks, cycle.suspects, cycle.mended) == (
        (),
        {},
        (),
        (),
        0,
    )


def test_the_data_of_two_cycles_do_not_mix(session: Session) -> None:
    first, second = begin_cycle(session)[0], begin_cycle(session)[0]
    set_data(session, first)
    set_data(session, second, changes=CHANGES[:1], leaks=LEAKS[1:])
    store.add_suspects(session, second, SUSPECTS[1:])
    cycle = store.load_cycle(session, first)
    assert (cycle.changes, cycle.leaks, cycle.suspects) == (CHANGES, LEAKS, ())
    cycle = store.load_cycle(session, second)
    assert (cycle.changes, cycle.leaks, cycle.suspects) == (CHANGES[:1], LEAKS[1:], SUSPECTS[1:])


def test_any_mapping_of_counts_can_be_stored(session: Session) -> None:
    cycle_id, _ = begin_cycle(session)
    counts = MappingProxyType({"added": MappingProxyType({"cat": 1}), "moved": Counter(["dog", "dog"])})
    store.set_cycle_data(session, cycle_id, changes=(), change_counts=counts, leaks=(), mended=0)
    session.flush()
    session.expire_all()
    assert store.load_cycle(session, cycle_id).change_counts == {"added": {"cat": 1}, "moved": {"dog": 2}}


def test_the_list_of_cycles_has_the_counts_but_not_the_images(session: Session) -> None:
    cycle_id, _ = begin_cycle(session)
    set_data(session, cycle_id)
    store.add_suspects(session, cycle_id, SUSPECTS)
    (cycle,) = store.list_cycles(session)
    assert (cycle.changes, cycle.leaks, cycle.suspects) == ((), (), ())
    assert (cycle.change_counts, cycle.mended) == (COUNTS, 2)


def test_thumbnails_of_wrong_images_come_first_then_those_of_leaks_suspects_and_changes(
    session: Session,
) -> None:
    cycle_id, snapshot_id = begin_cycle(session)
    store.add_evaluation(session, begin_run(session, cycle_id), snapshot_id, evaluation(snapshot(), "b"))
    set_data(session, cycle_id)
    store.add_suspects(session, cycle_id, SUSPECTS)
    store.save_thumbnails(session, {sha(name): name.encode() for name in "abcdexyz"})
    assert b"".join(store.load_cycle(session, cycle_id).thumbnails.values()) == b"byadcxe"
    bounded = store.load_cycle(session, cycle_id, thumbnails=2).thumbnails
    assert bounded == {sha("b"): b"b", sha("y"): b"y"}


def test_more_images_than_one_statement_takes(session: Session) -> None:
    cycle_id, _ = begin_cycle(session)
    many = [Change("added", sha(str(number)), b"%d" % number, "cat", "train") for number in range(BATCH + 10)]
    images = [SnapshotImage(change.sha256, "cat", "train", change.path) for change in many]
    leaks = [Leak(image, LEAKS[0].test, 1, "same") for image in images]
    suspects = [Suspect(image.sha256, image.path, "cat", "dog", 0.5, 0.5) for image in images]
    set_data(session, cycle_id, changes=many, leaks=leaks)
    store.add_suspects(session, cycle_id, suspects)
    cycle = store.load_cycle(session, cycle_id)
    assert (cycle.changes, cycle.leaks, cycle.suspects) == (tuple(many), tuple(leaks), tuple(suspects))


def test_a_cycle_that_is_not_there_is_named(session: Session) -> None:
    with pytest.raises(NoSuchRecord, match="there is no cycle 9"):
        set_data(session, 9)
    with pytest.raises(NoSuchRecord, match="there is no cycle 9"):
        store.add_suspects(session, 9, SUSPECTS)


def test_the_latest_suspects_are_those_of_the_newest_finished_cycle_that_has_any(session: Session) -> None:
    assert store.latest_suspects(session) is None
    finished_cycle(session, SUSPECTS)
    newest = finished_cycle(session, SUSPECTS[:1])
    finished_cycle(session, ())
    running, _ = begin_cycle(session)
    store.add_suspects(session, running, SUSPECTS)
    assert store.latest_suspects(session) == (newest, SUSPECTS[:1])
