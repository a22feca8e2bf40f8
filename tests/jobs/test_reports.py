"""Pages on disk: which are rendered again, and whether they are the same in another process."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.session import open_database
from jobs.home import Home
from jobs.reports import write_all, write_cycle, write_index
from pipeline.report.scores import score_of
from pipeline.report.words import interval, percent
from pipeline.shown import cycle_page_name
from tests.db.samples import NOON, begin_cycle, begin_run, end_cycle, epoch, evaluation, snapshot
from tests.pipeline.page_text import text_of

CYCLES = 3
RENDER = """
import sys
from pathlib import Path
from db.session import open_read_only
from jobs.home import Home
from jobs.reports import write_all
home = Home(Path(sys.argv[1]))
write_all(home, open_read_only(home.database), anew=True)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    with open_database(home.database).begin() as session:
        for _ in range(CYCLES):
            add_cycle(session)
    return home


@pytest.fixture
def sessions(home: Home) -> sessionmaker[Session]:
    return open_database(home.database)


def add_cycle(session: Session) -> int:
    cycle_id, snapshot_id = begin_cycle(session)
    run_id = begin_run(session, cycle_id)
    store.add_epoch(session, run_id, epoch(1))
    store.add_evaluation(session, run_id, snapshot_id, evaluation(snapshot(), "a"))
    store.finish_run(session, run_id, status="finished", seconds=1.0)
    store.promote(session, run_id, NOON, "better")
    end_cycle(session, cycle_id)
    return cycle_id


def written(home: Home) -> dict[str, int]:
    """Return when each page was written, in nanoseconds."""
    return {page.name: page.stat().st_mtime_ns for page in home.reports.glob("cycle-*.html")}


def test_a_page_that_is_up_to_date_is_not_rendered_again(home: Home, sessions: sessionmaker[Session]) -> None:
    write_all(home, sessions)
    before = written(home)

    write_all(home, sessions)

    assert written(home) == before
    assert len(before) == CYCLES


def test_pages_are_rendered_again_one_by_one_for_a_reason(
    home: Home, sessions: sessionmaker[Session]
) -> None:
    index = write_all(home, sessions)
    first, second, third = (home.reports / cycle_page_name(n) for n in (1, 2, 3))
    before = written(home)

    first.unlink()  # missing
    second.write_text(re.sub('(whisker-page" content=")....', r"\g<1>0123", second.read_text()))  # older
    with sessions.begin() as session:
        new = add_cycle(session)
    write_all(home, sessions)

    after = written(home)
    assert {name for name in after if after[name] != before.get(name)} == {
        first.name, second.name, cycle_page_name(new)
    }  # fmt: skip
    assert third.name in after
    assert cycle_page_name(new) in index.read_text()


def test_a_page_cut_off_or_of_another_program_is_rendered_again(
    home: Home, sessions: sessionmaker[Session]
) -> None:
    write_all(home, sessions)
    pages = sorted(home.reports.glob("cycle-*.html"))
    good = [page.read_bytes() for page in pages]
    for page, content in zip(pages, (b"", b"\xff\xfe", b"<html>" + b"x" * 5000), strict=True):
        page.write_bytes(content)

    write_all(home, sessions)

    assert [page.read_bytes() for page in pages] == good


def test_all_can_be_rendered_anew(home: Home, sessions: sessionmaker[Session]) -> None:
    write_all(home, sessions)
    before = written(home)

    write_all(home, sessions, anew=True)

    assert all(written(home)[name] > before[name] for name in before)


def test_the_page_of_a_single_cycle_is_the_one_that_all_would_write(
    home: Home, sessions: sessionmaker[Session]
) -> None:
    page = write_cycle(home, sessions, 2)
    content = page.read_bytes()
    write_all(home, sessions, anew=True)

    assert page.read_bytes() == content


def test_two_processes_with_other_hash_seeds_write_the_same_bytes(home: Home) -> None:
    found = []
    for seed in ("1", "2"):
        around = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", RENDER, str(home.folder)], env=around, check=True)
        found.append({page.name: page.read_bytes() for page in home.reports.iterdir()})

    assert found[0] == found[1]
    assert len(found[0]) == CYCLES + 1


def test_the_index_has_the_scores_of_what_is_stored(home: Home, sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        score = score_of(store.load_cycle(session, 1).finetune)
    assert score is not None

    page = write_index(home, sessions).read_text()

    shown = " ".join(f"{percent(score.accuracy)} {interval(score.low, score.high)} |".split())
    assert text_of(page).count(shown) == CYCLES
    assert "Test accuracy over time" in page
    assert "No tested cycle" not in page
