"""Removing what need not be kept: real folders, and records that stay."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy.orm import Session, sessionmaker

from cli import cli
from db import store
from db.backups import list_backups, make_backup
from jobs.champion import promote_by_hand, roll_back
from jobs.config import Config
from jobs.home import Home
from jobs.lock import hold
from jobs.predict import open_classifier
from jobs.prune import going, keep_to_the_settings, left_over, remove
from jobs.reports import write_all, write_cycle, write_index
from pipeline.errors import NoSuchRecord
from tests.db.samples import NOON
from tests.jobs.stored_homes import add_run, make_home, write_model

Stored = tuple[Home, sessionmaker[Session]]
NOW = NOON + timedelta(days=365)
FEW = Config(keep_last=2, keep_days=30, keep_backups=1)


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Return a home with five runs; the first two were champions, and the second one is."""
    home, sessions = make_home(tmp_path / "home")
    for number in range(1, 6):
        add_run(home, sessions)
        if number < 3:
            with sessions.begin() as session:
                store.promote(session, number, NOON, "it was better")
    return home, sessions


def models(home: Home) -> list[str]:
    return sorted(path.name for path in home.models.iterdir())


def whisker(home: Home, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--home", str(home.folder), *arguments])


def test_old_models_go_and_all_records_stay(stored: Stored) -> None:
    home, sessions = stored
    keep_to_the_settings(home, sessions, FEW, NOW)
    assert models(home) == ["run-0001", "run-0002", "run-0004", "run-0005"]
    with sessions() as session:
        details = store.load_run(session, 3)
        assert [run.id for run in store.list_runs(session) if run.model_pruned_at] == [3]
    assert details.run.model_pruned_at == NOW and details.evaluation is not None


def test_doing_it_again_changes_nothing(stored: Stored) -> None:
    home, sessions = stored
    keep_to_the_settings(home, sessions, FEW, NOW)
    before = models(home)
    keep_to_the_settings(home, sessions, FEW, NOW + timedelta(days=1))
    assert models(home) == before
    with sessions() as session:
        assert store.load_run(session, 3).run.model_pruned_at == NOW


def test_a_removal_that_was_cut_off_is_done_the_next_time(stored: Stored) -> None:
    home, sessions = stored
    with sessions.begin() as session:
        store.set_models_pruned(session, [3], NOON)
    keep_to_the_settings(home, sessions, FEW, NOW)
    assert not home.model(3).exists()


def test_a_run_that_was_made_champion_in_between_keeps_its_model(stored: Stored) -> None:
    home, sessions = stored
    with sessions() as session:
        wanted = going(home, session, FEW, NOW)
    promote_by_hand(home, 3, "I like it")
    remove(home, sessions, wanted, NOW)
    assert home.model(3).is_dir()
    with sessions() as session:
        assert store.load_run(session, 3).run.model_pruned_at is None


def test_a_rollback_works_as_before(stored: Stored) -> None:
    home, sessions = stored
    keep_to_the_settings(home, sessions, Config(keep_last=0, keep_days=0), NOW)
    assert models(home) == ["run-0001", "run-0002"]
    assert roll_back(home, "it was worse").run_id == 1


def test_pages_and_commands_cope_with_a_run_whose_model_is_gone(stored: Stored) -> None:
    home, sessions = stored
    keep_to_the_settings(home, sessions, FEW, NOW)
    assert write_index(home, sessions).exists() and write_cycle(home, sessions, 3).exists()
    with pytest.raises(NoSuchRecord, match=r"run 3 has no model in .*; `cli\.py show 3` says why"):
        open_classifier(home, 3)
    assert "its model was removed on 2027-03-01 to save space" in whisker(home, "show", "3").stdout
    shown = json.loads(whisker(home, "--json", "show", "3").stdout)
    assert shown["model_pruned_at"] == NOW.isoformat()


def test_answers_that_are_too_many_go_and_the_page_that_showed_them_stays(stored: Stored) -> None:
    home, sessions = stored
    write_all(home, sessions)
    pages = {page.name: page.read_bytes() for page in home.reports.glob("cycle-*")}
    keep_to_the_settings(home, sessions, replace(FEW, keep_answers=0), NOW)
    with sessions() as session:
        gone = store.cycles_without_answers(session)
        assert gone == {3}
        assert store.load_run(session, 3).evaluation is None
    write_all(home, sessions, anew=True)
    assert (home.reports / "cycle-0003.html").read_bytes() == pages["cycle-0003.html"]
    (home.reports / "cycle-0003.html").unlink()
    write_all(home, sessions)
    less = (home.reports / "cycle-0003.html").read_bytes()
    assert b"</html>" in less and len(less) < len(pages["cycle-0003.html"]), "what is known is shown"


def test_old_backups_go(stored: Stored) -> None:
    home, sessions = stored
    kept = make_backup(home.database, NOON + timedelta(days=2))
    make_backup(home.database, NOON)
    keep_to_the_settings(home, sessions, FEW, NOW)
    assert list_backups(home.database) == [kept]


def test_what_cannot_be_removed_is_a_warning_and_no_half_of_a_model_stays_in_place(
    stored: Stored, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    home, sessions = stored
    monkeypatch.setattr("shutil.rmtree", refuse)
    keep_to_the_settings(home, sessions, FEW, NOW)
    assert "not all that is old could be removed: [Errno 13] Permission denied" in caplog.text
    assert not home.model(3).exists()


def orphan_model(home: Home) -> Path:
    write_model(home, 77)
    return home.model(77)


def orphan_page(home: Home) -> Path:
    home.reports.mkdir()
    page = home.reports / "cycle-0077.html"
    page.write_text("a page")
    return page


def half_a_backup(home: Home) -> Path:
    file = home.folder / "backups" / ".whisker-20260301T120000Z.db.77.tmp"
    file.parent.mkdir()
    file.write_bytes(b"half")
    return file


def half_a_download(home: Home) -> Path:
    folder = home.weights / ".download-x1"
    folder.mkdir(parents=True)
    (folder / "archive.zip").write_bytes(b"half")
    return folder


@pytest.mark.parametrize("leave", [orphan_model, orphan_page, half_a_backup, half_a_download])
def test_what_no_record_knows_of_goes_after_a_day_and_only_on_demand(
    stored: Stored, leave: Callable[[Home], Path]
) -> None:
    home, sessions = stored
    left = leave(home)
    with sessions() as session:
        assert left_over(home, session, datetime.now(UTC)) == []
    os.utime(left, (1, 1))
    keep_to_the_settings(home, sessions, FEW, NOW)
    assert left.exists()
    done = whisker(home, "prune")
    assert done.exit_code == 0, done.stderr
    assert str(left) in done.stdout and not left.exists()


def test_a_dry_run_lists_all_with_bytes_and_removes_nothing_also_beside_a_cycle(stored: Stored) -> None:
    home, _ = stored
    home.settings_file.write_text("keep_last = 2\nkeep_days = 0\n")
    before = models(home)
    with hold(home.lock_file, "a cycle"):
        listed = json.loads(whisker(home, "--json", "prune", "--dry-run").stdout)
    assert models(home) == before
    (item,) = listed["removed"]
    assert (item["kind"], item["run"], item["path"]) == ("model", 3, str(home.model(3)))
    assert listed["bytes"] == item["size"] == sum(file.stat().st_size for file in home.model(3).iterdir())
    done = json.loads(whisker(home, "--json", "prune").stdout)
    assert done == {**listed, "dry_run": False}
    assert "there is nothing to remove" in whisker(home, "prune").stdout


def test_pruning_waits_for_no_cycle(stored: Stored) -> None:
    home, _ = stored
    with hold(home.lock_file, "a cycle"):
        done = whisker(home, "prune")
    assert done.exit_code == 75 and f"process {os.getpid()}" in done.stderr
