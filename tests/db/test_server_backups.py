"""Backups of a database on a real server: whole or not at all, there and back."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from db import server_programs, store
from db.backups import list_backups, superseded
from db.copies import Copies, copies_of
from db.session import open_current, open_read_only
from pipeline.errors import DatabaseError, DatabaseMissing
from tests.db.samples import NOON, PHOTOS
from tests.postgres import PASSWORD, Server


@pytest.fixture
def url(postgres_url: str) -> URL:
    return make_url(postgres_url)


@pytest.fixture
def copies(url: URL, tmp_path: Path) -> Copies:
    add_cycle(url)
    return copies_of(url, tmp_path)


def add_cycle(url: URL) -> int:
    with open_current(url).begin() as session:
        return store.start_cycle(session, f"{PHOTOS}\t\\.\n", NOON)


def cycles(url: URL) -> list[int]:
    with open_read_only(url)() as session:
        return sorted(store.cycle_ids(session))


def test_a_backup_puts_back_what_was_there_and_keeps_what_is(
    copies: Copies, url: URL, tmp_path: Path
) -> None:
    made = copies.make(NOON)
    add_cycle(url)
    assert (cycles(url), copies.check(made.path).cycle) == ([1, 2], frozenset({1}))
    kept = copies.put_back(made.path, {"cycle": 7, "run": 0}, NOON + timedelta(hours=1))
    assert cycles(url) == [1]
    assert kept is not None
    assert copies.check(kept).cycle == {1, 2}
    assert add_cycle(url) == 8, "the number of a cycle that left a trace does not come again"
    assert [one.path for one in copies.made()] == [kept, made.path]
    assert made.path.stat().st_mode & 0o077 == 0
    assert superseded(list_backups(tmp_path / "whisker.dump"), 1) == [made]


def test_an_empty_database_gets_a_backup_back_and_has_none_to_make(
    copies: Copies, postgres: Server, tmp_path: Path
) -> None:
    made = copies.make(NOON)
    with postgres.database() as text:
        empty = copies_of(make_url(text), tmp_path / "other")
        (tmp_path / "other").mkdir()
        assert not empty.is_sound()
        with pytest.raises(DatabaseMissing):
            empty.make(NOON)
        assert empty.put_back(made.path, {}, NOON) is None
        assert empty.is_sound()
        assert empty.numbers().cycle == {1}


def test_a_backup_that_was_cut_short_is_found_out_and_changes_nothing(copies: Copies, url: URL) -> None:
    made = copies.make(NOON)
    made.path.write_bytes(made.path.read_bytes()[:-200])
    with pytest.raises(DatabaseError, match="is no whole backup"):
        copies.check(made.path)
    with pytest.raises(DatabaseError):
        copies.put_back(made.path, {}, NOON + timedelta(hours=1))
    assert cycles(url) == [1]


def test_a_backup_with_fewer_rows_than_were_counted_is_not_kept(
    copies: Copies, url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lossy = tmp_path / "lossy"
    whole = server_programs.programs_for(0)["pg_dump"]
    lossy.write_text(f'#!/bin/sh\nexec {whole} "$@" --exclude-table-data=cycle\n')
    lossy.chmod(0o700)
    found = server_programs.programs_for
    monkeypatch.setattr("db.server_backups.programs_for", lambda version: found(version) | {"pg_dump": lossy})
    with pytest.raises(DatabaseError, match="lacks rows"):
        copies.make(NOON)
    assert list((tmp_path / "backups").iterdir()) == []


def test_without_the_programs_it_is_said_what_to_install(
    copies: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_programs, "DEBIAN", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))
    said = copies.why_not()
    assert said is not None
    assert "pg_dump and pg_restore and psql of PostgreSQL" in said
    with pytest.raises(DatabaseError, match="install its client programs"):
        copies.make(NOON)


def test_the_password_reaches_the_programs_and_no_sentence(
    postgres: Server, url: URL, tmp_path: Path
) -> None:
    name = str(url.database)
    postgres.sql(f"ALTER DATABASE {name} OWNER TO guarded")
    postgres.sql("GRANT whisker TO guarded")
    guarded = make_url(postgres.url(name, "guarded")).set(password=PASSWORD)
    assert copies_of(guarded, tmp_path).make(NOON).size > 0
    with pytest.raises(DatabaseError) as refused:
        copies_of(guarded.set(password="s3cret"), tmp_path).make(NOON)
    assert "s3cret" not in str(refused.value)
