"""What a search for settings works on: features of the training images, dealt to parts."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from jobs.preparation import frozen_settings
from jobs.stop import StopFlag
from jobs.tune import TuneRequest
from pipeline.arrays import Array
from pipeline.backbones import backbone_named
from pipeline.cross_validation import Ground
from pipeline.device import resolve_device
from pipeline.evaluate import Progress
from pipeline.features import compute_features
from pipeline.leaks import likeness
from pipeline.network import pretrained_network, split_features
from pipeline.parts import deal, require_enough
from pipeline.pretrained.download import as_stage
from pipeline.pretrained.weights import find_weights
from pipeline.reader import ImageReader
from pipeline.recipes import preprocessing_for
from pipeline.records import Snapshot, SnapshotImage
from pipeline.surroundings import surroundings_on
from pipeline.training_data import TrainingData
from pipeline.tuning import PARTS

log = logging.getLogger("whisker")

MOST_IMAGES = 10_000  # of more training images so many are used: 37 KiB of activations each


def prepare_ground(
    request: TuneRequest,
    snapshot: Snapshot,
    prints: Mapping[str, bytes],
    flag: StopFlag,
    progress: Progress,
) -> tuple[Ground, Array]:
    """Compute the features of the training images, or take them from the cache; return the part of each too.

    No test image is read.

    Raises:
        TooFewImages: a class has too few training images.
        DeviceUnavailable, WeightsError: what was asked for cannot be had.
        Interrupted: a signal has come.
    """
    config, recipe, classes = request.config, request.recipe, snapshot.classes
    images = _some(snapshot.part("train"))
    require_enough(images, classes, PARTS)
    backbone, device = backbone_named(recipe.backbone), resolve_device(config.device, config.kvstore)
    weights = find_weights(
        backbone,
        request.home.weights,
        request.weights,
        progress=as_stage(progress),
    )
    around = surroundings_on(device, config.seed, flag.check, progress)
    network = pretrained_network(backbone, len(classes), weights, around.sharing.contexts, around.seed)
    reader = ImageReader(config.images_folder(), preprocessing_for(backbone, recipe))
    data = TrainingData(reader, images, (), classes)
    # What enters the last stage is kept, but for means over mirrors, on which it cannot be trained.
    deepest = replace(recipe, last_stage_epochs=0 if recipe.test_time_flip else 1)
    frozen = frozen_settings(request.home, config)
    found = compute_features(network, backbone.tail_start, data, deepest, around, frozen)
    for note in found.notes:
        log.info("%s", note.text)
    _, last_stage = split_features(network, backbone.tail_start)
    ground = Ground(network, last_stage, found.train, classes, around)
    return ground, deal(found.train.images, _groups(found.train.images, prints), PARTS)


def _some(images: Sequence[SnapshotImage]) -> tuple[SnapshotImage, ...]:
    """Return the images, of very many a part that their contents decide on."""
    if len(images) <= MOST_IMAGES:
        return tuple(images)
    log.info("%d of the %d training images are used, to save time and memory", MOST_IMAGES, len(images))
    return tuple(sorted(images, key=lambda image: image.sha256[32:])[:MOST_IMAGES])


def _groups(images: Sequence[SnapshotImage], prints: Mapping[str, bytes]) -> list[list[int]]:
    """Return the positions of images that show nearly the same picture."""
    like = likeness(images, prints)
    place = {image.sha256: position for position, image in enumerate(images)}
    return [[place[like.images[member].sha256] for member in group] for group in like.groups]
