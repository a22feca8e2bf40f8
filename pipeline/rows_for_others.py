"""Compute what frozen layers make of images into the cache, for a pass of another process."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.computed_rows import computed_rows
from pipeline.engine_settings import Engine, FrozenSettings
from pipeline.evaluate import as_judged
from pipeline.feature_store import FeatureTable, content_hashes
from pipeline.frozen_key import block_digest, row_shape, table_key
from pipeline.image_folder import ImageFolder
from pipeline.network import forward_on
from pipeline.onnx_export import export_onnx
from pipeline.onnx_runtime import open_model
from pipeline.reader import ImageReader
from pipeline.records import Preprocessing, SnapshotImage
from pipeline.surroundings import Surroundings


class RowsForOthers:
    """Frozen layers on an engine. What it computes is what a pass with the same key would, to the bit."""

    def __init__(
        self,
        block: Any,
        preprocessing: Preprocessing,
        engine: Engine,
        around: Surroundings,
        settings: FrozenSettings,
        *,
        test_time_flip: bool,
    ) -> None:
        self.key = table_key(
            block_digest(block),
            preprocessing,
            engine,
            around.sharing.names,
            settings.machine,
            test_time_flip=test_time_flip,
        )
        self._block, self._preprocessing, self._engine = block, preprocessing, engine
        self._around, self._settings, self._test_time_flip = around, settings, test_time_flip

    def open(self) -> None:
        """Get ready to compute; an engine that cannot do it raises what it likes."""
        size = self._preprocessing.size
        if self._engine == "onnxruntime":
            forward = open_model(export_onnx(self._block, size))
        else:
            forward = forward_on(self._block, self._around.sharing.contexts)
        self._forward = as_judged(forward, test_time_flip=self._test_time_flip)
        floats = int(np.prod(row_shape(self._block, size)))
        assert self._settings.cache is not None
        self._table = FeatureTable(self._settings.cache, self.key, floats, self._settings.cache_bytes)

    def fill(self, folder: ImageFolder, images: Sequence[SnapshotImage], batch_size: int) -> int:
        """Keep the rows of some images, as long as the cache accepts them; return how many could be read.

        Raises:
            TrainingDiverged: a value is not finite, so the weights are damaged.
            Interrupted: from `around.check_stop`.
        """
        reader, hashes, read = ImageReader(folder, self._preprocessing), content_hashes(images), 0
        order = range(len(images))
        for positions, rows in computed_rows(self._forward, reader, images, order, batch_size, self._around):
            self._table.append(hashes[positions], rows.reshape(len(rows), -1))
            read += len(positions)
        return read

    def why_full(self) -> str | None:
        """Return why the cache keeps no more rows; None if it does."""
        return None if self._table.accepts else self._table.problems[-1]
