"""The model that a run published, and what its description must have as its hash."""

from dataclasses import dataclass
from pathlib import Path

from db import store
from db.session import open_read_only
from jobs.home import Home
from pipeline.errors import NoSuchRecord
from pipeline.manifest import MANIFEST


@dataclass(frozen=True)
class Published:
    """Where the model of a run lies."""

    run_id: int
    folder: Path
    manifest_sha256: str | None  # as it was recorded; None for a run of before that was done


def published_model(home: Home, run_id: int | None) -> Published:
    """Return the model of a run; of the champion if none is named.

    Raises:
        NoSuchRecord: there is no champion, or the run has no model.
    """
    home.require()
    with open_read_only(home.records)() as session:
        run_id = store.champion_id(session) if run_id is None else run_id
        if run_id is None:
            raise NoSuchRecord(f"the home {home.folder} has no champion yet; `run-now` trains one")
        written = store.artifact_sha256(session, run_id, MANIFEST)
    folder = home.model(run_id)
    if not folder.is_dir():
        raise NoSuchRecord(f"run {run_id} has no model in {home.models}; `cli.py show {run_id}` says why")
    return Published(run_id, folder, written)
