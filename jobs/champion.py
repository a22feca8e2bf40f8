"""Move the champion by hand, and keep the link that leads other programs to its folder.

None of this takes the lock of the home, so that nobody waits for the end of a cycle: each change is one
transaction that looks whether the champion is still the expected one.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.session import open_current
from jobs.home import Home
from jobs.reports import write_pages
from pipeline.errors import CannotPromote, WeightsError
from pipeline.failpoint import failpoint
from pipeline.manifest import MANIFEST, read_manifest
from pipeline.publish import sync_folder
from pipeline.records import PromotionSource

log = logging.getLogger("whisker")

PATIENCE_SECONDS = 10.0  # for another process that renews the link, which takes an instant


@dataclass(frozen=True)
class Moved:
    """A change of champion by hand."""

    run_id: int
    before: int | None  # the champion until then
    reason: str
    source: PromotionSource
    passed_over: tuple[str, ...] = ()  # why earlier champions could not come back, a sentence for each


def promote_by_hand(home: Home, run_id: int, reason: str) -> Moved:
    """Make a run the champion.

    Raises:
        NoSuchRecord: there is no such run.
        CannotPromote: it did not finish, has no usable model, or is the champion already.
        ChampionChanged: another run became the champion at the same time.
    """
    sessions = _writer(home)
    with sessions() as session:
        before = store.champion_id(session)
        status = store.load_run(session, run_id).run.status
    if before == run_id:
        raise CannotPromote(f"run {run_id} is the champion already")
    if status != "finished":
        raise CannotPromote(
            f"run {run_id} did not finish (it is {status}); `cli.py runs` lists those that did"
        )
    return _move(home, sessions, Moved(run_id, before, reason, "promote"))


def roll_back(home: Home, reason: str) -> Moved:
    """Make the champion before the present one the champion again; repeated, go further back.

    One whose model is gone or damaged is passed over for the one before it.

    Raises:
        CannotPromote: there was none, or none of their models can be used any more.
        ChampionChanged: another run became the champion at the same time.
    """
    sessions = _writer(home)
    with sessions() as session:
        before, targets = store.champion_id(session), store.rollback_targets(session)
    passed_over: list[str] = []
    for target in targets:
        try:
            return _move(home, sessions, Moved(target, before, reason, "rollback", tuple(passed_over)))
        except CannotPromote as error:
            passed_over.append(str(error))
    found = f" ({'; '.join(passed_over)})" if passed_over else ""
    raise CannotPromote(
        f"there is no earlier champion to go back to{found}; `cli.py promote ID` takes any run with a model"
    )


def _writer(home: Home) -> sessionmaker[Session]:
    home.require()
    return open_current(home.records)


def _move(home: Home, sessions: sessionmaker[Session], moved: Moved) -> Moved:
    _check_model(home, sessions, moved.run_id)
    with sessions.begin() as session:
        store.promote(
            session, moved.run_id, datetime.now(UTC), moved.reason, moved.source, expected=moved.before
        )
    point_at_champion(home, sessions)
    write_pages(home, sessions, ())
    return moved


def _check_model(home: Home, sessions: sessionmaker[Session], run_id: int) -> None:
    """Read the whole model, so that `predict` will not be the one to find it damaged."""
    if not home.model(run_id).is_dir():
        raise CannotPromote(f"run {run_id} has no model in {home.models}; `cli.py runs` lists the runs")
    with sessions() as session:
        written = store.artifact_sha256(session, run_id, MANIFEST)
    try:
        read_manifest(home.model(run_id), written)
    except WeightsError as error:
        raise CannotPromote(f"run {run_id} cannot become the champion: {error}") from error


def point_at_champion(home: Home, sessions: sessionmaker[Session]) -> None:
    """Let the link in the home lead to the champion's folder; warn where that cannot be done.

    The champion is looked up under a lock, so of two processes the later one knows of both changes.
    """
    try:
        with FileLock(home.champion_lock_file, timeout=PATIENCE_SECONDS):
            with sessions() as session:
                run_id = store.champion_id(session)
            failpoint("before_champion_link")
            _point(home.champion, None if run_id is None else home.model(run_id).name)
    except (OSError, Timeout) as error:
        log.warning(
            "%s does not lead to the champion (%s); no command of Whisker needs it", home.champion, error
        )


def _point(link: Path, target: str | None) -> None:
    """Put a symbolic link beside and rename it, so that a reader finds the old one or the new one."""
    beside = link.with_name(f".{link.name}.new")
    beside.unlink(missing_ok=True)  # of a process that was killed
    if target is None:
        if link.is_symlink():
            link.unlink()
    elif not link.is_symlink() or str(link.readlink()) != target:
        beside.symlink_to(target)
        beside.replace(link)
        sync_folder(link.parent)
