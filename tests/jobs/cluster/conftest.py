"""Fixtures of the tests of trainings over several processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import tiny
from tests.jobs.cluster.jobs import processes_in


@pytest.fixture
def place(quick: None, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder for a home; the processes of a training in it know the tiny network."""
    for name, value in {**tiny.environment(tiny_weights), "PYTHONWARNINGS": "ignore"}.items():
        monkeypatch.setenv(name, value)
    yield tmp_path
    for process in processes_in(tmp_path):
        process.kill()
