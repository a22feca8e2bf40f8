"""Run frozen layers over images: from the cache what was computed before, the rest on the best engine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.computed_rows import computed_rows
from pipeline.decode import normalise
from pipeline.engine import Trial, try_onnxruntime
from pipeline.engine_choice import keep_choice, read_choice
from pipeline.engine_settings import Engine, FrozenSettings, RowsWanted
from pipeline.evaluate import Forward, as_judged
from pipeline.failpoint import failpoint
from pipeline.feature_store import FeatureTable, content_hashes, delete_cache
from pipeline.frozen_key import block_digest, choice_key, package_version, row_shape, table_key
from pipeline.network import forward_on
from pipeline.reader import ImageReader
from pipeline.records import Note, SnapshotImage
from pipeline.room import room_for
from pipeline.runtime import mx
from pipeline.surroundings import Surroundings

SAMPLE = 8  # images on which the engines are compared; MXNet takes most time and memory of a cycle for more


def never() -> bool:
    """Say that it is not enough yet."""
    return False


@dataclass(frozen=True)
class FrozenRows:
    """What frozen layers make of some images."""

    found: Array  # bool (N,): which of the images could be read
    values: Array  # float32 (N, ...); a row without its image holds nothing of use
    notes: tuple[Note, ...]  # which engine and why, and what came from the cache


def run_frozen(
    block: Any,
    images: Sequence[SnapshotImage],
    reader: ImageReader,
    batch_size: int,
    around: Surroundings,
    settings: FrozenSettings,
    *,
    test_time_flip: bool = False,
) -> FrozenRows:
    """Run a block over some images; all rows come from the same engine.

    With `test_time_flip`, a row is the mean over the image and its mirror image.

    Each batch is kept in the cache as soon as it is computed, so an interruption loses no more than one.

    Raises:
        TrainingDiverged: a value is not finite, so the weights are damaged.
        Interrupted: from `around.check_stop`.
    """
    work = _FrozenPass(block, images, reader, batch_size, around, settings, test_time_flip)
    engine, sentence = work.preferred()
    work.recall(engine)
    forward = forward_on(block, around.sharing.contexts)
    if engine == "onnxruntime" and (trial := work.trial()):
        sentence, forward = trial.sentence, trial.forward or forward
        if trial.forward is None:
            engine = "mxnet"
            work.recall(engine)
    recalled = int(work.found.sum())
    work.compute(as_judged(forward, test_time_flip=test_time_flip), engine)
    return FrozenRows(work.found, work.values, tuple(work.notes(sentence, recalled)))


class _FrozenPass:
    def __init__(
        self,
        block: Any,
        images: Sequence[SnapshotImage],
        reader: ImageReader,
        batch_size: int,
        around: Surroundings,
        settings: FrozenSettings,
        test_time_flip: bool,
    ) -> None:
        self.block, self.images, self.reader = block, images, reader
        self.around, self.settings = around, settings
        self.batch_size, self.devices = batch_size * len(around.sharing.contexts), around.sharing.names
        self.test_time_flip = test_time_flip
        self.digest = block_digest(block)
        self.hashes = content_hashes(images)
        self.values = room_for((len(images), *row_shape(block, reader.preprocessing.size)), settings.cache)
        self.found = np.zeros(len(images), bool)
        self.tables: list[FeatureTable] = []
        self.keys: list[str] = []  # of the tables
        self.done, self.total = 0, 0  # rows computed, and to compute
        self.cache = settings.cache if settings.cache_bytes else None
        self.choice_file: Path | None = None
        if self.cache:
            name = choice_key(self.digest, settings.engine, settings.machine)
            self.choice_file = self.cache / "engines" / f"{name}.json"
        elif settings.cache:
            delete_cache(settings.cache)

    def preferred(self) -> tuple[Engine, str]:
        """Return the engine to begin with and a sentence about it."""
        if self.settings.engine == "mxnet":
            return "mxnet", f"MXNet {mx.__version__}, as the setting engine says"
        if self.around.device.device_type != "cpu":
            return (
                "mxnet",
                f"MXNet {mx.__version__} on {self.devices}, since ONNX Runtime computes on the CPU only",
            )
        return read_choice(self.choice_file) or (
            "onnxruntime",
            f"ONNX Runtime {package_version('onnxruntime')}",
        )

    def recall(self, engine: Engine) -> None:
        """Take what the cache has of this engine's rows, and keep there what will be computed."""
        self.found[:] = False
        if self.cache is None:
            return
        pixels, machine = self.reader.preprocessing, self.settings.machine
        key = table_key(
            self.digest, pixels, engine, self.devices, machine, test_time_flip=self.test_time_flip
        )
        rows = self._rows()
        self.keys.append(key)
        self.tables.append(FeatureTable(self.cache, key, rows.shape[1], self.settings.cache_bytes))
        self.found = self.tables[-1].read(self.hashes, rows)

    def trial(self) -> Trial | None:
        """Compare the engines on the first images that have to be computed; None if there are none."""
        missing = self._missing()[: min(self.batch_size, SAMPLE)]
        trials = {} if self.settings.trials is None else self.settings.trials
        if missing and self.digest in trials:
            known: Trial = trials[self.digest]
            return known
        self.around.check_stop()
        batch = next(self.reader.batches(self.images, SAMPLE, order=missing), None)
        if batch is None:
            return None
        sample = normalise(batch.pixels, self.reader.preprocessing)
        timed = self.settings.engine == "auto" and read_choice(self.choice_file) is None
        trial = try_onnxruntime(self.block, sample, self.around.device, timed=timed)
        if trial.lasting:
            keep_choice(self.choice_file, ("onnxruntime" if trial.forward else "mxnet", trial.sentence))
        if trial.forward:
            trials[self.digest] = replace(trial, model=None)
        return trial

    def compute(self, forward: Forward, engine: Engine) -> None:
        """Fill in the rows that the cache did not have, or let others do so."""
        self.total = int((~self.found).sum())
        here = partial(self.compute_here, forward)
        if self.settings.share is None or not self.tables or not self.total:
            here(self._missing(), never)
            return
        wanted = RowsWanted(
            key=self.keys[-1],
            engine=engine,
            images=self.images,
            missing=tuple(self._missing()),
            compute=here,
            count=self._count,
            check_stop=self.around.check_stop,
        )
        if others := self.settings.share(wanted):
            self.found |= self.tables[-1].read(self.hashes, self._rows())
            here([position for position in others if not self.found[position]], never)

    def compute_here(
        self, forward: Forward, order: Sequence[int], enough: Callable[[], bool]
    ) -> Sequence[int]:
        """Fill in the rows at ascending positions, until it is enough; return those that were not tried."""
        batches = computed_rows(forward, self.reader, self.images, order, self.batch_size, self.around)
        with closing(batches) as computed:
            for positions, rows in computed:
                self.values[positions] = rows
                self.found[positions] = True
                if self.tables:
                    self.tables[-1].append(self.hashes[positions], rows.reshape(len(rows), -1))
                failpoint("in_features")
                self._count(len(positions))
                if enough():
                    return [position for position in order if position > positions[-1]]
        return ()

    def _count(self, computed: int) -> None:
        self.done += computed
        self.around.progress("features", self.done, self.total)

    def notes(self, sentence: str, recalled: int) -> Iterator[Note]:
        """Yield what a reader of the run should know."""
        yield Note(f"features: {sentence}")
        if self.tables:
            yield Note(f"features: {recalled:,} of {len(self.images):,} images from the cache")
        for problem in dict.fromkeys(problem for table in self.tables for problem in table.problems):
            yield Note(f"features: cache {self.cache}: {problem}")

    def _rows(self) -> Array:
        """Return the values as float32 (N, n), in the same memory."""
        return self.values.reshape(len(self.values), int(np.prod(self.values.shape[1:])))

    def _missing(self) -> list[int]:
        missing: list[int] = np.flatnonzero(~self.found).tolist()
        return missing
