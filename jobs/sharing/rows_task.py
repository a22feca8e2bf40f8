"""A worker's part in a frozen pass: rows for the cache that lies in the home."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jobs.config import Config
from jobs.environment import processor
from jobs.home import Home
from jobs.preparation import frozen_settings
from jobs.sharing.content import unpack_images
from jobs.sharing.task import Beat, Task, Unfit
from pipeline.backbones import backbone_named
from pipeline.device import Device, resolve_device
from pipeline.features import frozen_block
from pipeline.network import pretrained_network
from pipeline.pretrained.weights import find_weights
from pipeline.recipes import Recipe, preprocessing_for
from pipeline.rows_for_others import RowsForOthers
from pipeline.surroundings import surroundings_on


class RowsTask(Task):
    """Computes rows.

    Raises:
        Unfit: what it would compute could differ in a bit.
        WhiskerError: the weights or the device cannot be used.
    """

    def __init__(self, parameters: Mapping[str, Any], home: Home, config: Config) -> None:
        self._folder = config.images_folder()
        self._recipe = recipe = Recipe(**parameters["recipe"])
        self._beat: Beat = lambda: None
        backbone = backbone_named(recipe.backbone)
        explicit = Path(parameters["weights"]) if parameters["weights"] else None
        weights = find_weights(backbone, home.weights, explicit, download=False)
        device = Device("cpu") if parameters["engine"] == "onnxruntime" else resolve_device(config.device)
        around = surroundings_on(device, config.seed, lambda: self._beat())
        network = pretrained_network(backbone, 1, weights, around.sharing.contexts, around.seed)
        self._rows = RowsForOthers(
            frozen_block(network, backbone.tail_start, recipe),
            preprocessing_for(backbone, recipe),
            parameters["engine"],
            around,
            replace(frozen_settings(home, config), cache_bytes=parameters["cache_bytes"]),
            test_time_flip=recipe.test_time_flip,
        )
        if self._rows.key != parameters["key"]:
            threads = os.environ.get("OMP_NUM_THREADS", "not set")
            raise Unfit(
                "features computed here could differ in a bit from those of the cycle: they count only from"
                f" the same kind of processor (here {processor()}), with the same weights, engine"
                f" ({parameters['engine']}, its version and, for mxnet, OMP_NUM_THREADS, here {threads})"
            )
        self._rows.open()

    def do(self, content: bytes, beat: Beat) -> bytes:
        """Compute the rows of some images; the result is empty, for the rows are in the cache."""
        images, self._beat = unpack_images(content), beat
        read = self._rows.fill(self._folder, images, self._recipe.images_at_once)
        if not read:
            raise Unfit(
                f"none of {len(images)} images is in {self._folder} as the cycle has read it:"
                " the image folder must hold the same files on both hosts"
            )
        if why := self._rows.why_full():
            raise Unfit(f"the cache of features keeps no more rows: {why}")
        return b""
