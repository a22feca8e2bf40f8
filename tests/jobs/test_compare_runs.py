"""Any two runs on the images that they share."""

from dataclasses import replace
from math import isfinite
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.compare_runs import compare_runs
from jobs.documents import compared_document
from jobs.home import Home
from pipeline.errors import NoSuchRecord, NothingToCompare
from pipeline.records import Snapshot
from tests.db.samples import begin_cycle, begin_run, evaluation, sha, snapshot
from tests.jobs.stored_homes import add_run, make_home

Stored = tuple[Home, sessionmaker[Session]]


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    return make_home(tmp_path / "home")


def all_tested(names: str) -> Snapshot:
    """Return a snapshot whose images are all test images."""
    of = snapshot(names)
    return replace(
        of, digest=sha(f"tested {names}"), images=tuple(replace(image, split="test") for image in of.images)
    )


def test_two_runs_on_the_same_images(stored: Stored) -> None:
    home, sessions = stored
    of = all_tested("abcdefgh")
    first = add_run(home, sessions, "a", "b", of=of)
    second = add_run(home, sessions, "b", "c", "d", of=of)
    compared = compare_runs(home, first, second)
    comparison = compared.comparison
    assert (comparison.images, compared.left_out) == (8, 0)
    assert comparison.fixed == (sha("a"),)
    assert comparison.broken == tuple(sorted([sha("c"), sha("d")]))
    assert (compared.before.accuracy.value, compared.after.accuracy.value) == (6 / 8, 5 / 8)
    assert compared.before.accuracy.low < 6 / 8 < compared.before.accuracy.high
    assert comparison.gain.value == pytest.approx(-1 / 8)
    assert comparison.log_loss_change.value == pytest.approx(
        compared.after.log_loss - compared.before.log_loss
    )
    back = compare_runs(home, second, first)
    assert back.comparison.fixed == comparison.broken
    assert compared.page == home.reports / "compare-1-2.html"
    assert compared.page.is_file()
    assert back.page.is_file()


def test_a_run_beside_itself_differs_in_nothing(stored: Stored) -> None:
    home, sessions = stored
    run_id = add_run(home, sessions, "a")
    comparison = compare_runs(home, run_id, run_id).comparison
    assert (comparison.fixed, comparison.broken, comparison.p_value) == ((), (), 1.0)


def test_an_older_run_is_taken_on_the_images_of_the_newer_one_where_it_was_tested_on_them(
    stored: Stored,
) -> None:
    home, sessions = stored
    first = add_run(home, sessions, of=all_tested("abcd"))
    grown = all_tested("abcdef")
    second = add_run(home, sessions, "e", of=grown)
    with sessions.begin() as session:
        newest, _ = store.tested_on(session, second)
        store.add_evaluation(session, first, newest, evaluation(grown, "a"))
    compared = compare_runs(home, first, second)
    assert (compared.comparison.images, compared.left_out) == (6, 0)
    assert (compared.comparison.fixed, compared.comparison.broken) == ((sha("a"),), (sha("e"),))


@pytest.mark.parametrize("turned", [False, True])
def test_else_it_takes_part_with_the_images_that_they_share_and_the_labels_of_the_newer_one(
    stored: Stored, turned: bool
) -> None:
    home, sessions = stored
    first = add_run(home, sessions, "a", of=all_tested("abcd"))
    later = all_tested("cdabxy")
    swapped = tuple(
        replace(image, label="dog" if image.label == "cat" else "cat") if image.sha256 == sha("b") else image
        for image in later.images
    )
    second = add_run(home, sessions, "x", of=replace(later, digest=sha("swapped"), images=swapped))
    compared = compare_runs(home, *((second, first) if turned else (first, second)))
    older, newer = (compared.after, compared.before) if turned else (compared.before, compared.after)
    assert (compared.comparison.images, compared.left_out) == (4, 2)
    assert older.details.evaluation is not None
    assert {p.sha256: p.label for p in older.details.evaluation.predictions}[sha("b")] == "cat"
    assert older.accuracy.value == 2 / 4, "a, and now b, whose label has changed"
    assert newer.accuracy.value == 1.0


def test_probabilities_are_compared_at_the_temperatures_of_the_runs(stored: Stored) -> None:
    home, sessions = stored
    of = all_tested("abcd")
    runs = [add_run(home, sessions, "a", of=of, temperature=t) for t in (None, 2.0)]
    compared = compare_runs(home, *runs)
    assert compared.before.log_loss != compared.after.log_loss
    assert compared.before.details.evaluation == compared.after.details.evaluation
    document = compared_document(compared)
    assert (document["before"]["temperature"], document["after"]["temperature"]) == (1.0, 2.0)
    assert document["images"] == 4
    assert document["gain"]["value"] == 0.0
    assert document["report"] == str(compared.page)


def test_the_log_loss_is_a_number_where_the_shared_images_lack_a_class(stored: Stored) -> None:
    home, sessions = stored
    of = all_tested("abcdef")
    cats = tuple(image for image in of.images if image.label == "cat")
    first = add_run(home, sessions, of=of, temperature=2.0)
    second = add_run(home, sessions, of=replace(of, digest=sha("cats"), images=cats), temperature=2.0)
    compared = compare_runs(home, first, second)
    assert compared.comparison.images == len(cats)
    assert isfinite(compared.before.log_loss)
    assert isfinite(compared.after.log_loss)


def test_what_cannot_be_compared_is_said_in_one_sentence(stored: Stored) -> None:
    home, sessions = stored
    first = add_run(home, sessions, of=all_tested("abcd"))
    elsewhere = add_run(home, sessions, of=all_tested("uvwx"))
    birds = add_run(home, sessions, of=replace(snapshot("ab", ("bird", "cat")), digest=sha("birds")))
    with sessions.begin() as session:
        untested = begin_run(session, begin_cycle(session)[0])
    with pytest.raises(NothingToCompare, match=r"^runs 1 and 2 have no test image in common, so they cannot"):
        compare_runs(home, first, elsewhere)
    with pytest.raises(NothingToCompare, match=r"different classes apart \(cat, dog; bird, cat\)"):
        compare_runs(home, first, birds)
    with pytest.raises(NothingToCompare, match=r"^run 4 was not tested \(it is running\)"):
        compare_runs(home, first, untested)
    with pytest.raises(NoSuchRecord, match="there is no run 9"):
        compare_runs(home, first, 9)
    assert not home.reports.exists()
