"""The champion, kept open between requests, and opened anew when it has become another run."""

import logging
import threading
from dataclasses import dataclass, field

from db import store
from db.session import open_read_only
from jobs.home import Home
from jobs.predict import open_classifier
from pipeline.evidence import EvidenceModel
from pipeline.onnx_evidence import open_onnx_evidence
from pipeline.trained_model import TrainedModel

log = logging.getLogger("whisker")


@dataclass(frozen=True)
class Opened:
    """A model in use."""

    run_id: int
    model: TrainedModel
    evidence: EvidenceModel | None  # None: it cannot say where it looks
    # One image at a time: a pass uses all processors by itself, and MXNet's stands no second thread.
    turn: threading.Lock = field(default_factory=threading.Lock)


class Champion:
    """Gives the model of the run that is champion now; any thread may ask."""

    def __init__(self, home: Home) -> None:
        self._home, self._opening = home, threading.Lock()
        self._opened: Opened | None = None

    def now(self) -> Opened:
        """Return the model.

        Raises:
            NoHome, NoSuchRecord: there is no champion, or it has no model.
            WeightsError: a file of its model is missing or is not what was written.
            DatabaseError: the database cannot be read.
        """
        self._home.require()
        with open_read_only(self._home.records)() as session:
            run_id = store.champion_id(session)
        with self._opening:
            if self._opened is None or self._opened.run_id != run_id:
                self._opened = self._open(run_id)
            return self._opened

    def _open(self, run_id: int | None) -> Opened:
        model = open_classifier(self._home, run_id)
        assert run_id is not None  # else there was no model to open
        log.info("classifying with run %d, the champion", run_id)
        return Opened(run_id, model, open_onnx_evidence(self._home.model(run_id)))
