"""What a cycle's page says beside its own runs: the champion, the cycle before, when images came."""

from dataclasses import replace
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from db import store
from pipeline.records import Change, Findings, Leak, Novelty, SnapshotImage, Suspect, Verdict
from tests.db.samples import (
    ONLY_SQLITE,
    PHOTOS,
    begin_cycle,
    begin_run,
    end_cycle,
    epoch,
    evaluation,
    sha,
    snapshot,
)


def verdict_on(session: Session, cycle_id: int, run_id: int, compared_id: int | None) -> None:
    store.set_verdict(session, cycle_id, Verdict("hold", "no difference", 0.005), run_id, compared_id)


def test_the_champion_comes_with_its_evaluation_on_this_cycles_images(session: Session) -> None:
    first, old = begin_cycle(session)
    champion = begin_run(session, first)
    store.add_evaluation(session, champion, old, evaluation(snapshot()))
    verdict_on(session, first, champion, None)
    later, new = begin_cycle(session, snapshot("uvwxyz"))
    begin_run(session, later)
    store.add_evaluation(session, champion, new, evaluation(snapshot("uvwxyz"), "u"))
    verdict_on(session, later, champion, champion)
    assert store.load_cycle(session, first).compared is None
    cycle = store.load_cycle(session, later)
    assert cycle.verdict == Verdict("hold", "no difference", 0.005)
    assert cycle.compared is not None
    assert (cycle.compared.run.id, cycle.compared.evaluation) == (
        champion,
        evaluation(snapshot("uvwxyz"), "u"),
    )
    listed = store.list_cycles(session)[0].compared
    assert listed is not None
    assert listed.evaluation == replace(evaluation(snapshot("uvwxyz"), "u"), predictions=())


def test_the_previous_cycle_is_the_folders_newest_finished_one_before(session: Session) -> None:
    wanted, snapshot_id = begin_cycle(session)
    run_id = begin_run(session, wanted)
    store.add_epoch(session, run_id, epoch(1))
    store.add_evaluation(session, run_id, snapshot_id, evaluation(snapshot(), "a"))
    verdict_on(session, wanted, run_id, None)
    end_cycle(session, wanted)
    elsewhere, _ = begin_cycle(session, folder="/other")
    end_cycle(session, elsewhere)
    failed, _ = begin_cycle(session)
    end_cycle(session, failed, status="failed")
    present, _ = begin_cycle(session)
    later, _ = begin_cycle(session)
    end_cycle(session, later)
    assert store.load_cycle(session, wanted).previous is None
    assert store.load_cycle(session, elsewhere).previous is None
    previous = store.load_cycle(session, present).previous
    assert previous is not None
    assert previous.snapshot is not None
    assert previous.snapshot.quarantined == snapshot().quarantined
    listed = next(cycle for cycle in store.list_cycles(session) if cycle.id == wanted)
    assert replace(previous, snapshot=replace(previous.snapshot, quarantined=())) == listed


def test_a_test_image_arrived_with_the_first_cycle_that_used_it_for_anything(session: Session) -> None:
    first, _ = begin_cycle(session, snapshot("ab"))
    begin_cycle(session, snapshot("ab"))
    moved = snapshot("axcdb")  # "a" and "x" are test images, and "b" is a training image now
    third, snapshot_id = begin_cycle(session, moved)
    begin_cycle(session, snapshot("qr"))
    fifth = store.start_cycle(session, PHOTOS, store.load_cycle(session, first).started_at)
    store.set_cycle_snapshot(session, fifth, snapshot_id, ())
    for cycle_id in (third, fifth):
        assert store.load_cycle(session, cycle_id).arrivals == {sha("a"): first, sha("x"): third}
    nothing_yet = store.start_cycle(session, PHOTOS, store.load_cycle(session, first).started_at)
    assert store.load_cycle(session, nothing_yet).arrivals == {}


def test_an_image_that_was_known_before_any_snapshot_arrives_with_its_first_one(session: Session) -> None:
    store.save_thumbnails(session, {sha("a"): b"a"})
    cycle_id, _ = begin_cycle(session, snapshot("ab"))
    assert store.load_cycle(session, cycle_id).arrivals == {sha("a"): cycle_id, sha("b"): cycle_id}


def test_pictures_come_in_the_order_of_their_importance(session: Session) -> None:
    of = snapshot("abcdef")
    first, _ = begin_cycle(session)
    champion, baseline = begin_run(session, first), begin_run(session, first, "scratch")
    many = replace(of, digest=sha("many"), images=tuple(replace(image, split="test") for image in of.images))
    later, snapshot_id = begin_cycle(session, many)
    challenger = begin_run(session, later)
    store.set_cycle_runs(session, later, scratch_id=baseline, scratch_reused=True)
    verdict_on(session, later, champion, champion)
    store.add_evaluation(session, challenger, snapshot_id, evaluation(many, "a", "b"))
    store.add_evaluation(session, champion, snapshot_id, evaluation(many, "a", "c"))
    store.add_evaluation(session, baseline, snapshot_id, evaluation(many, "e", "d"))
    leak = Leak(
        SnapshotImage(sha("t"), "cat", "train", b"t"), SnapshotImage(sha("c"), "cat", "test", b"c"), 0, "same"
    )
    change = Change("added", sha("g"), b"g", "cat", "train")
    store.set_cycle_data(session, later, changes=[change], change_counts={}, leaks=[leak], mended=0)
    store.add_suspects(session, later, [Suspect(sha("s"), b"s", "cat", "dog", 0.1, 0.8)])
    novel = Findings(novelty=Novelty(2, 1, 0.3, 0.2, 0.1, (sha("n"),)))
    store.set_findings(session, challenger, novel)
    store.save_thumbnails(session, {sha(name): name.encode() for name in "abcdefgnst"})
    pictures = store.load_cycle(session, later).thumbnails
    assert b"".join(pictures.values()) == b"abctsnged"
    assert len(store.load_cycle(session, later, thumbnails=4).thumbnails) == 4


def finished_cycles(session: Session, number: int) -> int:
    """Add cycles on the same images; return the id of the last one."""
    for _ in range(number):
        cycle_id, snapshot_id = begin_cycle(session)
        run_id = begin_run(session, cycle_id)
        store.add_evaluation(session, run_id, snapshot_id, evaluation(snapshot()))
        verdict_on(session, cycle_id, run_id, 1)
        end_cycle(session, cycle_id)
    return cycle_id


def statements_of_a_page(session: Session, cycle_id: int) -> list[tuple[str, Any]]:
    """Return what the database is asked for the page of a cycle: statements with their values."""
    session.flush()
    session.expunge_all()
    asked: list[tuple[str, Any]] = []

    def listen(_connection: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        asked.append((statement, values))

    event.listen(session.connection(), "before_cursor_execute", listen)
    store.load_cycle(session, cycle_id)
    event.remove(session.connection(), "before_cursor_execute", listen)
    return asked


@ONLY_SQLITE
def test_a_page_asks_as_much_after_many_cycles_and_scans_no_large_table(session: Session) -> None:
    asked = statements_of_a_page(session, finished_cycles(session, 3))
    assert len(statements_of_a_page(session, finished_cycles(session, 30))) == len(asked)
    plans = [
        row.detail
        for statement, values in asked
        for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    ]
    large = ("snapshot_span", "prediction", "image", "thumbnail", "epoch", "cycle_quarantine", "heat_map")
    assert plans
    assert not [plan for plan in plans if plan.startswith(tuple(f"SCAN {table}" for table in large))]
