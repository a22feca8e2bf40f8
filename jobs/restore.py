"""The way back to a backup of the database: what was there is kept, and what is lost is said."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from db.copies import Copies
from db.restore import Numbers
from jobs.backups import backups_of, open_home
from jobs.home import Home
from jobs.home_lock import hold_home
from jobs.repair import repair
from jobs.traces import cycle_pages, model_folders
from pipeline.errors import DatabaseError, NothingToRestore


@dataclass(frozen=True)
class Restored:
    """What was put in place of what."""

    backup: Path
    kept: Path | None  # the former database; None: there was none
    lost_cycles: tuple[int, ...]  # that the backup does not know
    lost_runs: tuple[int, ...]
    unknown_models: tuple[Path, ...]  # folders with models of such runs
    passed_over: tuple[str, ...]  # newer backups that are damaged, a sentence for each


def restore(home: Home, file: Path | None, now: datetime) -> Restored:
    """Put a backup in the place of the database, by default the newest that is whole; then repair the home.

    A database that is sound is replaced only by a `file` that was named, which may be the name of a backup.

    Raises:
        NothingToRestore: there is no backup, or none is needed.
        DatabaseError: the backup that was named cannot be used.
        Locked: a cycle is at work.
    """
    home.require()
    copies = backups_of(home)
    with hold_home(home, "cycle", "a restoration") as lock:
        sound = copies.is_sound()  # which takes back what a killed writer left in a journal
        if sound and file is None:
            raise NothingToRestore(
                f"the database {copies.name} is sound; `cli.py restore --list` shows its backups, and"
                " `cli.py restore FILE` goes back to one all the same"
            )
        backup, after, passed_over = _choose(copies, file)
        seen = _seen(home, copies)
        taken = {"cycle": max(seen.cycle, default=0), "run": max(seen.run, default=0)}
        kept = copies.put_back(backup, taken, now)
        lock.renew()
        repair(home, lock.fence(open_home(home)))
    unknown = {number: folder for number, folder in model_folders(home).items() if number not in after.run}
    return Restored(
        backup=backup,
        kept=kept,
        lost_cycles=tuple(sorted(seen.cycle - after.cycle)),
        lost_runs=tuple(sorted(seen.run - after.run)),
        unknown_models=tuple(unknown.values()),
        passed_over=passed_over,
    )


def _choose(copies: Copies, file: Path | None) -> tuple[Path, Numbers, tuple[str, ...]]:
    """Return the backup to use, the numbers in it, and what is wrong with the newer ones."""
    if file is not None:
        beside = [backup.path for backup in copies.made() if backup.path.name == str(file)]
        chosen = file if file.exists() or not beside else beside[0]
        return chosen, copies.check(chosen), ()
    problems: list[str] = []
    for backup in copies.made():
        try:
            return backup.path, copies.check(backup.path), tuple(problems)
        except DatabaseError as error:
            problems.append(str(error))
    told = f" that is whole ({'; '.join(problems)})" if problems else ""
    raise NothingToRestore(f"there is no backup of the database {copies.name}{told}")


def _seen(home: Home, copies: Copies) -> Numbers:
    """Return the numbers of all cycles and runs of which there is a record or a trace."""
    known = copies.numbers()
    return Numbers(known.cycle | set(cycle_pages(home)), known.run | set(model_folders(home)))
