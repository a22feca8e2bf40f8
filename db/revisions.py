"""The revisions of the schema: which this program knows, and what one of a database means."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import DatabaseError, DatabaseTooNew

VERSIONS = Path(__file__).parent / "migrations" / "versions"


def known_revisions(versions: Path) -> list[str]:
    """Return the schema revisions of this program, oldest first: the numbers that the files begin with.

    Taken from the file names because Alembic is slow to import, and opening rarely needs it.
    """
    return sorted(file.name.split("_")[0] for file in versions.glob("[0-9]*_*.py"))


def is_newest(revision: str, known: Sequence[str], name: object) -> bool:
    """Return whether a database has the newest schema; False for an older one, DatabaseTooNew for a newer."""
    if revision not in known:
        raise DatabaseTooNew(
            f"the database {name} was made by a newer Whisker (schema {revision}, this one knows"
            f" {known[-1]}): upgrade Whisker; nothing was changed"
        )
    return revision == known[-1]


def too_old(name: object) -> DatabaseError:
    """Return the error to raise for a schema that only a cycle may bring up to date."""
    return DatabaseError(
        f"the database {name} was made by an older Whisker: `cli.py run-now --if-changed`"
        " brings it up to date"
    )
