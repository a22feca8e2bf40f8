"""The champion, with real second processes."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.revisions import VERSIONS, known_revisions
from db.session import open_current, open_read_only
from pipeline.errors import ChampionChanged, DatabaseError, DatabaseMissing, NoSuchRecord
from pipeline.records import Promotion
from tests.conftest import REPOSITORY
from tests.db.samples import NOON, begin_cycle, begin_run

RACE = """
import sys
from datetime import UTC, datetime
from db import store
from db.session import open_current
from pipeline.errors import ChampionChanged
sessions, mine = open_current(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
for line in sys.stdin:
    expected = int(line) or None
    try:
        with sessions.begin() as session:
            store.promote(session, mine, datetime.now(UTC), "faster", "promote", expected=expected)
        print("won", flush=True)
    except ChampionChanged as error:
        print(f"lost: {error}", flush=True)
"""


@pytest.fixture
def runs(sessions: sessionmaker[Session]) -> list[int]:
    """Return the ids of four runs, none of them champion."""
    with sessions.begin() as session:
        cycle_id, _ = begin_cycle(session)
        return [begin_run(session, cycle_id) for _ in range(4)]


def test_the_champion_is_the_run_that_was_promoted_last(session: Session) -> None:
    cycle_id, _ = begin_cycle(session)
    first, second = (begin_run(session, cycle_id) for _ in range(2))
    assert store.champion_id(session) is None
    for run_id in (first, second, first):
        store.promote(session, run_id, NOON, "better")
        assert store.champion_id(session) == run_id


def test_the_champion_must_be_a_run(session: Session) -> None:
    with pytest.raises(NoSuchRecord, match="no run 3"):
        store.promote(session, 3, NOON, "better")


def test_the_history_has_every_change_the_newest_first(
    sessions: sessionmaker[Session], runs: list[int]
) -> None:
    with sessions.begin() as session:
        assert store.promotions(session) == []
        store.promote(session, runs[0], NOON, "there was none")
        store.promote(session, runs[1], NOON + timedelta(hours=1), "I know better", "promote")
        store.promote(session, runs[0], NOON + timedelta(hours=2), "I did not", "rollback")
    with sessions() as session:
        assert store.promotions(session) == [
            Promotion(3, runs[0], NOON + timedelta(hours=2), "I did not", "rollback"),
            Promotion(2, runs[1], NOON + timedelta(hours=1), "I know better", "promote"),
            Promotion(1, runs[0], NOON, "there was none", "cycle"),
        ]


def test_a_run_is_promoted_only_if_the_champion_is_the_one_that_was_expected(
    sessions: sessionmaker[Session], runs: list[int]
) -> None:
    first, second, third, _ = runs
    with sessions.begin() as session:
        store.promote(session, first, NOON, "there was none", expected=None)
        with pytest.raises(ChampionChanged, match=f"run {second} was not promoted, since run {first} has"):
            store.promote(session, second, NOON, "there was none", expected=None)
        with pytest.raises(ChampionChanged, match=f"run {third} was not promoted"):
            store.promote(session, third, NOON, "better", expected=second)
        store.promote(session, second, NOON, "better", expected=first)
        assert store.champion_id(session) == second
        assert len(store.promotions(session)) == 2


def ask(racers: list["subprocess.Popen[str]"], line: str) -> list[str]:
    """Send a line to all at once; return their answers."""
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(line)
        racer.stdin.flush()
    answers = []
    for racer in racers:
        assert racer.stdout is not None
        answers.append(racer.stdout.readline().rstrip())
    return answers


def test_of_two_processes_that_promote_at_once_exactly_one_wins_each_time(
    where: Path | str, sessions: sessionmaker[Session], runs: list[int]
) -> None:
    racing = runs[2:]
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(where), str(run_id)],
            cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for run_id in racing
    ]  # fmt: skip
    try:
        assert ask(racers, "") == ["ready", "ready"]
        for _ in range(30):
            with sessions.begin() as session:
                store.promote(session, runs[0], NOON, "a new race")
            answers = ask(racers, f"{runs[0]}\n")
            with sessions() as session:
                champion = store.champion_id(session)
            assert sorted(answer.split(":")[0] for answer in answers) == ["lost", "won"]
            assert champion == racing[answers.index("won")]
    finally:
        for racer in racers:
            racer.communicate()
    with sessions() as session:
        assert len(store.promotions(session)) == 60


@pytest.mark.parametrize(
    ("history", "targets"),
    [
        ("", ""),
        ("a", ""),
        ("ab", "a"),
        ("abc", "ba"),
        ("abc<b", "a"),
        ("abc<a", ""),  # b was passed over, since its model was gone
        ("abcd<b", "a"),
        ("abc<b<a", ""),
        ("abc<b<ad", "a"),
        ("ab<ab", "a"),
        ("aba", "b"),
        ("aba<b", "a"),
        ("abac", "ab"),
    ],
)
def test_a_rollback_goes_to_the_champion_before_and_repeated_ones_go_further_back(
    sessions: sessionmaker[Session], runs: list[int], history: str, targets: str
) -> None:
    """A letter is a promotion of a run; `<` before it makes it a rollback to that run."""
    by_letter = dict(zip("abcd", runs, strict=True))
    with sessions.begin() as session:
        for before, letter in zip(" " + history, history, strict=False):
            if letter == "<":
                continue
            if before == "<":
                assert by_letter[letter] in store.rollback_targets(session)
                store.promote(session, by_letter[letter], NOON, "back", "rollback")
            else:
                store.promote(session, by_letter[letter], NOON, "on", "promote")
        assert store.rollback_targets(session) == [by_letter[letter] for letter in targets]


def test_a_writer_beside_a_cycle_neither_makes_nor_migrates_a_database(
    where: Path | str, sessions: sessionmaker[Session], runs: list[int], tmp_path: Path
) -> None:
    with pytest.raises(DatabaseMissing):
        open_current(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()
    with open_current(where).begin() as session:
        store.promote(session, runs[0], NOON, "by hand", "promote")
    with open_read_only(where)() as session:
        assert store.champion_id(session) == runs[0]
    newer = tmp_path / "versions"
    newer.mkdir()
    for revision in (*known_revisions(VERSIONS), "9999"):
        (newer / f"{revision}_one.py").write_text("")
    with pytest.raises(DatabaseError, match=r"older Whisker: `cli\.py run-now --if-changed` brings it up"):
        open_current(where, versions=newer)
