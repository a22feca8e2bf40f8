"""Compute what frozen layers make of files before a run asks for it; the cache keeps it until then.

The files may still be written: rows are kept by the content that they were computed from, so what changes
afterwards is computed again, and a row that nobody asks for does no harm.
"""

import hashlib
from collections.abc import Iterator, Sequence

from pipeline.backbones import Backbone
from pipeline.decode import BadImage
from pipeline.engine_settings import FrozenSettings
from pipeline.features import frozen_block
from pipeline.frozen_pass import run_frozen
from pipeline.image_folder import ImageFolder, read_from
from pipeline.network import pretrained_network
from pipeline.pretrained.weights import WeightsFile
from pipeline.reader import ImageReader
from pipeline.recipes import Recipe, preprocessing_for
from pipeline.records import SnapshotImage
from pipeline.surroundings import Surroundings

BATCH = 8  # images; the work ends between two batches, and a row has the same bits whatever its batch
FIRST_PART, LARGEST_PART = 64, 2048  # files; each part opens the cache once and holds its rows in memory


def compute_ahead(
    folder: ImageFolder,
    paths: Sequence[bytes],
    backbone: Backbone,
    weights: WeightsFile,
    recipe: Recipe,
    around: Surroundings,
    settings: FrozenSettings,
) -> None:
    """Fill the cache with the rows of some files, as far as they can be read.

    Args:
        folder: where the images are.
        paths: of the files, relative to it.
        backbone: as the run will use it.
        weights: as the run will use them.
        recipe: one that trains on frozen features.
        around: device and seed of the run; stop.
        settings: those of the run, with a cache.

    Raises:
        Whatever `around.check_stop` raises, between two batches or files; and what `run_frozen` raises.
    """
    around.check_stop()
    network = pretrained_network(backbone, 1, weights, around.sharing.contexts, around.seed)
    block = frozen_block(network, backbone.tail_start, recipe)
    reader = ImageReader(folder, preprocessing_for(backbone, recipe))
    for part in _parts(paths):
        images = tuple(_identified(folder, part, around))
        run_frozen(block, images, reader, BATCH, around, settings, test_time_flip=recipe.test_time_flip)


def _parts(paths: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Yield all paths, more and more at a time, so that the first rows come soon."""
    begin, size = 0, FIRST_PART
    while begin < len(paths):
        yield paths[begin : begin + size]
        begin, size = begin + size, min(2 * size, LARGEST_PART)


def _identified(folder: ImageFolder, paths: Sequence[bytes], around: Surroundings) -> Iterator[SnapshotImage]:
    """Yield each file with the hash of what it holds now; frozen layers need neither label nor split."""
    seen: set[str] = set()
    for path in paths:
        around.check_stop()
        try:
            sha256 = hashlib.sha256(read_from(folder, path)).hexdigest()
        except BadImage:
            continue
        if sha256 not in seen:
            seen.add(sha256)
            yield SnapshotImage(sha256, "", "train", path)
