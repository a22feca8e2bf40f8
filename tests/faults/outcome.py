"""What a home has recorded, in a form that two homes can be compared by."""

from contextlib import closing
from typing import Any

from db.sqlite_engine import connect_to_file
from tests.faults.subject import Subject

# Of the newest finished cycle: whether it was resumed, and under which number, must not matter.
NEWEST = "(SELECT max(id) FROM cycle WHERE status = 'finished')"


def rows(subject: Subject, query: str) -> list[tuple[Any, ...]]:
    """Return what a query gives."""
    with closing(connect_to_file(subject.home / "whisker.db", "ro")) as connection:
        return connection.execute(query).fetchall()


def epochs_of(subject: Subject) -> list[tuple[Any, ...]]:
    """Return the metrics of the epochs of the newest finished cycle, without their time."""
    return rows(
        subject,
        "SELECT run.kind, epoch, phase, train_loss, train_accuracy, test_loss, test_accuracy FROM epoch"
        f" JOIN run ON run.id = run_id JOIN cycle ON cycle.id = {NEWEST}"
        " AND run.id IN (finetune_run_id, scratch_run_id) ORDER BY run.kind, epoch",
    )


def models_of(subject: Subject) -> list[tuple[Any, ...]]:
    """Return the hashes of the parameters of all models."""
    return rows(
        subject,
        "SELECT run.kind, name, sha256 FROM artifact JOIN run ON run.id = run_id WHERE name LIKE '%.params'",
    )


def predictions_of(subject: Subject) -> list[tuple[Any, ...]]:
    """Return what the runs of the newest finished cycle say of each test image."""
    return rows(
        subject,
        "SELECT run.kind, prediction.path, probabilities FROM prediction"
        " JOIN evaluation ON evaluation.id = evaluation_id JOIN run ON run.id = evaluation.run_id"
        f" JOIN cycle ON cycle.id = {NEWEST} AND run.id IN (finetune_run_id, scratch_run_id)"
        " ORDER BY run.kind, prediction.path",
    )


def resumes_of(subject: Subject) -> list[int]:
    """Return how often each cycle was resumed."""
    return [row[0] for row in rows(subject, "SELECT resumes FROM cycle ORDER BY id")]
