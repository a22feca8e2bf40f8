"""The champion moved by hand, with real second processes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.champion import point_at_champion, promote_by_hand, roll_back
from jobs.home import Home
from jobs.lock import hold
from pipeline.errors import CannotPromote, DatabaseMissing, NoHome, NoSuchRecord
from pipeline.manifest import ONNX
from tests.conftest import REPOSITORY
from tests.db.samples import NOON, begin_cycle, begin_run
from tests.jobs.stored_homes import add_run, make_home

Stored = tuple[Home, sessionmaker[Session]]


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Return a home with three finished runs, none of them champion."""
    home, sessions = make_home(tmp_path / "home")
    for _ in range(3):
        add_run(home, sessions)
    return home, sessions


def history(sessions: sessionmaker[Session]) -> list[tuple[int, str, str]]:
    with sessions() as session:
        return [(p.run_id, p.source, p.reason) for p in store.promotions(session)]


def test_promotions_and_rollbacks_are_kept_with_their_reasons_and_the_link_follows(stored: Stored) -> None:
    home, sessions = stored
    for run_id in (1, 2, 3):
        moved = promote_by_hand(home, run_id, f"because of {run_id}")
        assert (moved.run_id, moved.before) == (run_id, run_id - 1 or None)
        assert home.champion.resolve() == home.model(run_id)
    for run_id in (2, 1):
        assert roll_back(home, "it was worse").run_id == run_id
        assert home.champion.readlink() == Path(f"run-{run_id:04d}")
    assert history(sessions) == [
        (1, "rollback", "it was worse"),
        (2, "rollback", "it was worse"),
        (3, "promote", "because of 3"),
        (2, "promote", "because of 2"),
        (1, "promote", "because of 1"),
    ]
    with pytest.raises(CannotPromote, match="there is no earlier champion to go back to"):
        roll_back(home, "once more")
    assert (home.reports / "index.html").exists()


def test_the_index_is_rendered_again(stored: Stored) -> None:
    home, _ = stored
    promote_by_hand(home, 1, "a")
    before = (home.reports / "index.html").read_bytes()
    promote_by_hand(home, 2, "b")
    assert (home.reports / "index.html").read_bytes() != before


def unfinished(home: Home, sessions: sessionmaker[Session]) -> int:
    with sessions.begin() as session:
        return begin_run(session, begin_cycle(session)[0])


def without_model(home: Home, sessions: sessionmaker[Session]) -> int:
    run_id = add_run(home, sessions)
    home.model(run_id).rename(home.models / "elsewhere")
    return run_id


def damaged(home: Home, sessions: sessionmaker[Session]) -> int:
    run_id = add_run(home, sessions)
    (home.model(run_id) / ONNX).write_bytes(b"other bytes")
    return run_id


def champion_already(home: Home, sessions: sessionmaker[Session]) -> int:
    promote_by_hand(home, 1, "by hand")
    return 1


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (unfinished, r"^run 4 did not finish \(it is running\); `cli\.py runs` lists those that did$"),
        (without_model, "^run 4 has no model in .*models; "),
        (damaged, r"^run 4 cannot become the champion: .*network\.onnx has changed since it was written"),
        (champion_already, "^run 1 is the champion already$"),
    ],
)
def test_a_run_that_cannot_predict_is_refused_and_nothing_changes(
    stored: Stored, make: Callable[[Home, sessionmaker[Session]], int], sentence: str
) -> None:
    home, sessions = stored
    run_id = make(home, sessions)
    before = history(sessions)
    with pytest.raises(CannotPromote, match=sentence):
        promote_by_hand(home, run_id, "by hand")
    assert history(sessions) == before


def test_what_is_not_there_is_named(stored: Stored, tmp_path: Path) -> None:
    home, _ = stored
    with pytest.raises(NoSuchRecord, match="there is no run 9"):
        promote_by_hand(home, 9, "by hand")
    with pytest.raises(NoHome):
        promote_by_hand(Home(tmp_path / "nowhere"), 1, "by hand")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatabaseMissing):
        roll_back(Home(tmp_path / "empty"), "by hand")
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_rollback_passes_over_models_that_are_gone_or_damaged_and_says_so(stored: Stored) -> None:
    home, _ = stored
    for run_id in (1, 2, 3):
        promote_by_hand(home, run_id, "by hand")
    (home.model(2) / ONNX).unlink()
    moved = roll_back(home, "it was worse")
    assert (moved.run_id, moved.before) == (1, 3)
    assert len(moved.passed_over) == 1 and "run 2 cannot become the champion" in moved.passed_over[0]
    with pytest.raises(CannotPromote, match=r"there is no earlier champion to go back to; "):
        roll_back(home, "once more")


def test_a_rollback_without_any_usable_model_is_refused_with_each_reason(stored: Stored) -> None:
    home, sessions = stored
    for run_id in (1, 2, 3):
        promote_by_hand(home, run_id, "by hand")
    (home.model(2) / ONNX).unlink()
    home.model(1).rename(home.models / "elsewhere")
    with pytest.raises(CannotPromote, match=r"go back to \(run 2 cannot become .*; run 1 has no model"):
        roll_back(home, "it was worse")
    assert history(sessions)[0][0] == 3


def test_a_run_whose_model_was_removed_cannot_become_champion(stored: Stored) -> None:
    home, sessions = stored
    with sessions.begin() as session:
        store.set_models_pruned(session, [2], NOON)
    with pytest.raises(CannotPromote, match="the model of run 2 was removed to save space"):
        promote_by_hand(home, 2, "by hand")
    assert history(sessions) == []


def test_nobody_waits_for_a_running_cycle(stored: Stored) -> None:
    home, sessions = stored
    with hold(home.lock_file, "a cycle"):
        promote_by_hand(home, 1, "by hand")
        promote_by_hand(home, 2, "by hand")
        roll_back(home, "by hand")
    assert history(sessions)[0][:2] == (1, "rollback")


def test_the_link_goes_when_there_is_no_champion_and_leftovers_are_no_obstacle(tmp_path: Path) -> None:
    home, sessions = make_home(tmp_path / "home")
    run_id = add_run(home, sessions)
    home.champion.symlink_to("run-0099")
    (home.models / ".champion.new").symlink_to("run-0098")
    point_at_champion(home, sessions)
    assert not home.champion.is_symlink()
    promote_by_hand(home, run_id, "by hand")
    assert sorted(path.name for path in home.models.iterdir()) == ["champion", "run-0001"]


def test_a_link_that_another_process_holds_for_long_is_a_warning(
    stored: Stored, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home, sessions = stored
    monkeypatch.setattr("jobs.champion.PATIENCE_SECONDS", 0.1)
    with hold(home.champion_lock_file, "a test"):
        promote_by_hand(home, 1, "by hand")
    assert "no command of Whisker needs it" in caplog.text
    assert history(sessions) == [(1, "promote", "by hand")]
    point_at_champion(home, sessions)
    assert home.champion.readlink() == Path("run-0001")


def test_while_the_champion_changes_its_link_always_leads_to_a_model(stored: Stored) -> None:
    home, _ = stored
    promote_by_hand(home, 1, "by hand")
    watch = (
        "import os, sys\n"
        "print('ready', flush=True)\n"
        "seen = set()\n"
        "while not os.path.exists(sys.argv[2]):\n"
        "    seen.add(os.path.exists(sys.argv[1] + '/model.json'))\n"
        "print(seen)\n"
    )
    done = home.folder / "done"
    words = [sys.executable, "-c", watch, str(home.champion), str(done)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "ready\n"
        for run_id in (2, 3, 1, 2, 3):
            promote_by_hand(home, run_id, "by hand")
        done.touch()
        assert watcher.stdout.read() == "{True}\n"


def test_two_commands_at_once_give_one_champion_and_a_link_to_it(stored: Stored) -> None:
    home, sessions = stored
    promote_by_hand(home, 1, "by hand")
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, str(REPOSITORY / "cli.py"), "--home", str(home.folder), "--json", "promote"]
    started = [
        subprocess.Popen(
            [*command, run_id, "--reason", "a race"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for run_id in ("2", "3")
    ]  # fmt: skip
    answers = [json.loads(process.communicate()[0]) for process in started]
    won = [answer["champion"] for answer in answers if "champion" in answer]
    lost = [answer["error"] for answer in answers if "error" in answer]
    # The slower one either came so late that it knew of the faster, or it was told.
    assert len(won) + len(lost) == 2
    assert all("has become the champion meanwhile" in error for error in lost)
    with sessions() as session:
        newest = store.promotions(session)
    assert [p.run_id for p in newest[:-1]] in ([[2], [3], [2, 3], [3, 2]])
    assert len(newest) == 1 + len(won)
    assert home.champion.resolve() == home.model(newest[0].run_id)
