"""A real cycle that is killed again and again, beside one that is not."""

import signal
from pathlib import Path

import pytest

from tests.faults.outcome import epochs_of, models_of, predictions_of, rows
from tests.faults.subject import Subject, ended_by, make_pair


@pytest.fixture
def subjects(drawn: Path, tiny_weights: Path, tmp_path: Path) -> tuple[Subject, Subject]:
    """Return two homes in which nothing has run, with the same images and settings."""
    return make_pair(tmp_path, drawn, tiny_weights, of_recipe="epochs = 2\nmomentum = 0.9")


def test_a_cycle_that_is_killed_three_times_ends_as_one_that_was_not(
    subjects: tuple[Subject, Subject],
) -> None:
    """In an epoch, between a model and its record, and after the promotion; all is the same to the bit."""
    whole, killed = subjects
    assert whole.cycle().returncode == 0
    for place in ("in_epoch@5", "after_model_rename", "after_promotion"):  # three batches an epoch
        done = killed.cycle(failpoint=f"{place}:kill")
        assert ended_by(done, signal.SIGKILL), done.stderr
    done = killed.cycle()
    assert done.returncode == 0, done.stderr
    assert epochs_of(killed) == epochs_of(whole)
    assert predictions_of(killed) == predictions_of(whole)
    assert models_of(killed) == models_of(whole)
    assert rows(killed, "SELECT id, status, resumes, decision FROM cycle") == [(1, "finished", 3, "first")]
    assert rows(killed, "SELECT id, kind, status FROM run") == [
        (1, "finetune", "finished"),
        (2, "scratch", "finished"),
    ]
    assert rows(killed, "SELECT count(*) FROM promotion") == [(1,)]
    ((notes,),) = rows(killed, "SELECT notes FROM run WHERE id = 1")
    for epoch in (1, 2):
        assert f"went on after epoch {epoch}, since it had been cut off (the process ended" in notes
    assert "its numbers are those of a run that was not" in notes
    assert list((killed.home / "checkpoints").iterdir()) == []


def test_a_checkpoint_that_is_damaged_is_refused_and_the_run_starts_over(
    subjects: tuple[Subject, Subject],
) -> None:
    _, killed = subjects
    assert ended_by(killed.cycle(failpoint="after_checkpoint:kill"), signal.SIGKILL)
    (file,) = (killed.home / "checkpoints").glob("run-0001/*.params")
    file.write_bytes(file.read_bytes()[:-1])
    done = killed.run("run-now", "--if-changed", "--no-baseline")
    assert done.returncode == 0, done.stderr
    assert rows(killed, "SELECT id, status FROM run") == [(1, "interrupted"), (2, "finished")]
    assert rows(killed, "SELECT count(*) FROM epoch WHERE run_id = 2") == [(2,)]
    ((notes,),) = rows(killed, "SELECT notes FROM run WHERE id = 2")
    assert "it starts over: " in notes
    assert "has changed since it was written" in notes
