"""The way back to a backup of the database: what was there is kept, and what is lost is said."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from db.backups import list_backups
from db.restore import Numbers, check_backup, is_sound, put_in_place, read_numbers
from jobs.backups import open_home
from jobs.home import Home
from jobs.lock import hold
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
    with hold(home.lock_file, "a restoration"):
        sound = is_sound(home.database)  # which takes back what a killed writer left in the journal
        if sound and file is None:
            raise NothingToRestore(
                f"the database {home.database} is sound; `cli.py restore --list` shows its backups, and"
                " `cli.py restore FILE` goes back to one all the same"
            )
        backup, passed_over = _choose(home, file)
        seen, after = _seen(home), read_numbers(backup)
        taken = {"cycle": max(seen.cycle, default=0), "run": max(seen.run, default=0)}
        kept = put_in_place(backup, home.database, taken, now)
        repair(home, open_home(home))
    unknown = {number: folder for number, folder in model_folders(home).items() if number not in after.run}
    return Restored(
        backup=backup,
        kept=kept,
        lost_cycles=tuple(sorted(seen.cycle - after.cycle)),
        lost_runs=tuple(sorted(seen.run - after.run)),
        unknown_models=tuple(unknown.values()),
        passed_over=passed_over,
    )


def _choose(home: Home, file: Path | None) -> tuple[Path, tuple[str, ...]]:
    """Return the backup to use, and what is wrong with the newer ones."""
    if file is not None:
        beside = [backup.path for backup in list_backups(home.database) if backup.path.name == str(file)]
        chosen = file if file.exists() or not beside else beside[0]
        check_backup(chosen)
        return chosen, ()
    problems: list[str] = []
    for backup in list_backups(home.database):
        try:
            check_backup(backup.path)
        except DatabaseError as error:
            problems.append(str(error))
        else:
            return backup.path, tuple(problems)
    told = f" that is whole ({'; '.join(problems)})" if problems else ""
    raise NothingToRestore(f"there is no backup of the database {home.database}{told}")


def _seen(home: Home) -> Numbers:
    """Return the numbers of all cycles and runs of which there is a record or a trace."""
    known = read_numbers(home.database)
    return Numbers(known.cycle | set(cycle_pages(home)), known.run | set(model_folders(home)))
