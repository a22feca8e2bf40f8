"""The photos that a benchmark runs on."""

from pathlib import Path

from pipeline.backbones import backbone_named
from pipeline.layout import find_layout
from pipeline.reader import ImageReader
from pipeline.scan import scan
from pipeline.scan_result import NOTHING_KNOWN, settled_files
from pipeline.snapshot import evenly, take_snapshot
from pipeline.training_data import TrainingData


def training_data(photos: Path, images: int = 0, backbone: str = "efficientnet_lite0") -> TrainingData:
    """Return the photos of a folder as a run would see them; `images` of the training images, all if 0."""
    files = settled_files((), scan(photos, NOTHING_KNOWN, settle_seconds=0))
    snapshot = take_snapshot(find_layout(photos), files)
    reader = ImageReader(photos, backbone_named(backbone).preprocessing)
    return TrainingData(
        reader, evenly(snapshot.part("train"), images), snapshot.part("test"), snapshot.classes
    )
