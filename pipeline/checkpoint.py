"""A training as it stood after its last finished epoch, kept so that it can go on after an interruption.

    epoch-0003.params    parameters, moving statistics and the optimiser's state
    checkpoint.json      the file that counts, its SHA-256, the finished epochs, and which training it is

The file of an epoch is written, read back, hashed and synced before `checkpoint.json`, the sole commit point,
is replaced to name it; only then the file before it goes. So at any time one checkpoint is whole. It holds
the metrics of the finished epochs, for the process may die before they are recorded.
"""

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipeline.disk import last_line, save_failed
from pipeline.errors import SaveFailed, WeightsError
from pipeline.failpoint import failpoint
from pipeline.publish import sha256_of, write_whole
from pipeline.read_back import save_arrays
from pipeline.records import EpochMetrics
from pipeline.runtime import mx
from pipeline.training_state import Arrays

RECORD = "checkpoint.json"


@dataclass(frozen=True)
class Checkpoint:
    """What was read back."""

    epochs: tuple[EpochMetrics, ...]  # all that had finished
    environment: Mapping[str, str]  # of the process that wrote it
    arrays: Arrays


@dataclass
class Checkpoints:
    """The checkpoint of one run; each replaces the one before."""

    folder: Path
    training: str  # which training this is, for a run's number can come again with another database
    environment: Mapping[str, str]
    found: Checkpoint | None = None  # where the training goes on; None: it begins
    _epochs: list[EpochMetrics] = field(default_factory=list)

    def look(self) -> None:
        """Read the checkpoint, if there is one, so that the training goes on from it.

        Raises:
            WeightsError: it is not what was written, or is that of another training.
        """
        if not (self.folder / RECORD).exists():
            return
        try:
            self.found = self._read()
        except (OSError, ValueError, KeyError, TypeError, mx.MXNetError) as error:
            raise WeightsError(
                f"the checkpoint in {self.folder} cannot be read ({last_line(error)})"
            ) from error
        self._epochs = list(self.found.epochs)

    def _read(self) -> Checkpoint:
        record = json.loads((self.folder / RECORD).read_text(encoding="utf-8"))
        file = self.folder / Path(record["file"]).name
        if sha256_of(file) != record["sha256"]:
            raise WeightsError(f"{file} has changed since it was written")
        if record["training"] != self.training:
            raise WeightsError(f"the checkpoint in {self.folder} is that of another training")
        epochs = tuple(EpochMetrics(**metrics) for metrics in record["epochs"])
        return Checkpoint(epochs, record["environment"], mx.nd.load(str(file)))

    def keep(self, metrics: EpochMetrics, arrays: Arrays) -> None:
        """Keep the state of the training after an epoch, in place of that after the epoch before.

        Raises:
            SaveFailed: it could not be written whole; the one before is still there.
        """
        file = self.folder / f"epoch-{metrics.epoch:04d}.params"
        epochs = [*self._epochs, metrics]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            record = {
                "file": file.name,
                "sha256": save_arrays(file, arrays),
                "training": self.training,
                "environment": dict(self.environment),
                "epochs": [asdict(epoch) for epoch in epochs],
            }
            write_whole(self.folder / RECORD, (json.dumps(record, indent=1) + "\n").encode())
        except (OSError, mx.MXNetError, SaveFailed) as error:
            with suppress(OSError):
                file.unlink()  # a part of it only takes space
            raise error if isinstance(error, SaveFailed) else save_failed(self.folder, error) from error
        failpoint("after_checkpoint")
        self._epochs = epochs
        for other in self.folder.glob("*.params"):
            if other != file:
                other.unlink()

    def remove(self) -> None:
        """Remove it: the run has ended for good."""
        shutil.rmtree(self.folder, ignore_errors=True)
