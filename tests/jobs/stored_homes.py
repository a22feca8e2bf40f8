"""Homes with finished runs that nobody had to train: rows, and model folders that can be read."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.session import open_current, open_database
from jobs.home import Home
from pipeline.manifest import MANIFEST, ONNX
from pipeline.publish import sha256_of
from pipeline.records import Artifact, Calibration, Findings, Snapshot
from tests.db.samples import begin_cycle, begin_run, end_cycle, evaluation, snapshot


def make_home(folder: Path) -> tuple[Home, sessionmaker[Session]]:
    """Return a home without runs, and its database."""
    home = Home(folder)
    home.create(None)
    return home, open_database(home.database)


def add_run(
    home: Home,
    sessions: sessionmaker[Session],
    *wrong: str,
    of: Snapshot | None = None,
    temperature: float | None = None,
) -> int:
    """Add a finished cycle with a finished run that gets the images named by `wrong` wrong; return its id."""
    of = of or snapshot()
    with sessions.begin() as session:
        cycle_id, snapshot_id = begin_cycle(session, of)
        run_id = begin_run(session, cycle_id, test_images=len(of.part("test")))
        store.add_evaluation(session, run_id, snapshot_id, evaluation(of, *wrong))
        if temperature is not None:
            calibration = Calibration(temperature, 10, 0.5, 0.25)
            store.set_findings(session, run_id, Findings(calibration))
        store.finish_run(session, run_id, status="finished", seconds=1.0)
        end_cycle(session, cycle_id)
    write_model(home, run_id)
    return run_id


def write_model(home: Home, run_id: int) -> None:
    """Write a model folder whose hashes are right."""
    folder = home.model(run_id)
    folder.mkdir(parents=True)
    (folder / ONNX).write_bytes(b"a network of run %d" % run_id)
    (folder / MANIFEST).write_text(json.dumps({"run": run_id, "sha256": {ONNX: sha256_of(folder / ONNX)}}))


def redescribe(home: Home, run_id: int, **changes: Any) -> None:
    """Change what a model says of itself, and record the hash of that."""
    file = home.model(run_id) / MANIFEST
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    record_description(home, run_id)


def record_description(home: Home, run_id: int) -> None:
    """Record the hash of what a model says of itself now."""
    file = home.model(run_id) / MANIFEST
    with open_current(home.database).begin() as session:
        store.add_artifacts(session, run_id, [Artifact(MANIFEST, sha256_of(file), file.stat().st_size)])


def without_onnx(home: Home, run_id: int) -> None:
    """Take the ONNX file out of a model, as an older one has none."""
    hashes = json.loads((home.model(run_id) / MANIFEST).read_text())["sha256"]
    (home.model(run_id) / ONNX).unlink()
    redescribe(home, run_id, sha256={name: sha256 for name, sha256 in hashes.items() if name != ONNX})
