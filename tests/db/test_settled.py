import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.batches import BATCH
from db.data_tables import LabelDecisionRow
from pipeline.records import LabelDecision, Split
from tests.db.samples import NOON, ONE_DATABASE, begin_cycle, end_cycle, sha, snapshot

A, B, C = sha("a"), sha("b"), sha("c")
DRAWN: st.SearchStrategy[dict[str, Split]] = st.dictionaries(
    st.sampled_from([sha(str(number)) for number in range(6)]), st.sampled_from(["train", "test"])
)


def test_a_drawn_split_comes_back_and_an_image_without_one_is_left_out(session: Session) -> None:
    assert store.drawn_splits(session, [A, B]) == {}
    store.save_drawn_splits(session, {A: "test", B: "train"})
    begin_cycle(session, snapshot("abc"))
    assert store.drawn_splits(session, [A, B, C, sha("never seen")]) == {A: "test", B: "train"}
    assert store.drawn_splits(session, iter([A])) == {A: "test"}
    assert store.drawn_splits(session, []) == {}


def test_a_split_is_drawn_once_for_ever(session: Session) -> None:
    store.save_drawn_splits(session, {A: "test", B: "train"})
    store.save_drawn_splits(session, {A: "train", B: "test", C: "test"})
    assert store.drawn_splits(session, [A, B, C]) == {A: "test", B: "train", C: "test"}


def test_an_image_that_a_snapshot_has_used_can_still_get_a_split(session: Session) -> None:
    begin_cycle(session, snapshot("abcd"))
    store.save_drawn_splits(session, {A: "test"})
    assert store.drawn_splits(session, [A, B]) == {A: "test"}


def test_a_snapshot_does_not_change_with_the_drawn_split(session: Session) -> None:
    store.save_drawn_splits(session, {image.sha256: "test" for image in snapshot().images})
    cycle_id, _ = begin_cycle(session)
    end_cycle(session, cycle_id)
    assert store.last_finished_snapshot(session, "/photos") == snapshot()


def test_more_splits_than_one_statement_takes(session: Session) -> None:
    many: dict[str, Split] = {
        sha(str(number)): "test" if number % 5 == 0 else "train" for number in range(BATCH + 10)
    }
    store.save_drawn_splits(session, many)
    assert store.drawn_splits(session, many) == many


@settings(ONE_DATABASE, max_examples=20)
@given(draws=st.lists(DRAWN, max_size=5))
def test_of_all_draws_the_first_of_each_image_counts(
    draws: list[dict[str, Split]], sessions: sessionmaker[Session]
) -> None:
    expected: dict[str, Split] = {}
    with sessions() as session:
        for draw in draws:
            store.save_drawn_splits(session, draw)
            expected = draw | expected
        assert store.drawn_splits(session, expected) == expected


def decided_at(session: Session) -> set[object]:
    return set(session.scalars(select(LabelDecisionRow.decided_at)))


def test_decisions_come_back_by_image_also_of_images_that_were_never_used(session: Session) -> None:
    begin_cycle(session, snapshot("ab"))
    assert store.label_decisions(session) == {}
    decisions = [LabelDecision(A, "dog"), LabelDecision(B, None), LabelDecision(C, "cat")]
    store.save_label_decisions(session, iter(decisions), NOON)
    assert store.label_decisions(session) == {decision.sha256: decision for decision in decisions}
    assert decided_at(session) == {NOON}


@pytest.mark.parametrize("label", ["cat", None])
def test_a_decision_replaces_the_earlier_one_about_the_same_image_only(
    label: str | None, session: Session
) -> None:
    store.save_label_decisions(session, [LabelDecision(A, "dog"), LabelDecision(B, "dog")], NOON)
    store.save_label_decisions(session, [LabelDecision(A, label)], NOON)
    assert store.label_decisions(session) == {A: LabelDecision(A, label), B: LabelDecision(B, "dog")}


def test_of_two_decisions_about_one_image_the_last_counts(session: Session) -> None:
    store.save_label_decisions(session, [LabelDecision(A, "dog"), LabelDecision(A, None)], NOON)
    assert store.label_decisions(session) == {A: LabelDecision(A, None)}


def test_a_forgotten_decision_is_gone_and_an_image_without_one_does_not_matter(session: Session) -> None:
    store.save_label_decisions(session, [LabelDecision(A, "dog"), LabelDecision(B, None)], NOON)
    store.forget_label_decisions(session, [A, C, sha("never seen")])
    store.forget_label_decisions(session, [])
    assert store.label_decisions(session) == {B: LabelDecision(B, None)}


def test_more_decisions_than_one_statement_takes(session: Session) -> None:
    many = [LabelDecision(sha(str(number)), "dog") for number in range(BATCH + 10)]
    store.save_label_decisions(session, many, NOON)
    assert len(store.label_decisions(session)) == len(many)
    store.forget_label_decisions(session, (decision.sha256 for decision in many))
    assert store.label_decisions(session) == {}
