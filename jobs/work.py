"""What the runs of one cycle share."""

from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from jobs.cluster.settings import ClusterSettings
from jobs.config import PromotionSettings
from jobs.home import Home
from pipeline.backbones import Backbone
from pipeline.device import Device
from pipeline.engine_settings import FrozenSettings
from pipeline.image_folder import ImageFolder
from pipeline.reader import ImageReader
from pipeline.recipes import Recipe, preprocessing_for
from pipeline.records import Snapshot, SnapshotImage
from pipeline.surroundings import Surroundings
from pipeline.training_data import TrainingData


@dataclass(frozen=True)
class Work:
    """What the runs of one cycle share."""

    home: Home
    sessions: sessionmaker[Session]
    cycle_id: int
    snapshot: Snapshot
    snapshot_id: int
    images_folder: ImageFolder
    backbone: Backbone
    device: Device
    around: Surroundings
    frozen: FrozenSettings
    promotion: PromotionSettings
    fresh: frozenset[str] = frozenset()  # content hashes of the images that are new since the last cycle
    cluster: ClusterSettings | None = None  # the hosts that train all layers together; None: this process

    def data(self, recipe: Recipe, train: tuple[SnapshotImage, ...]) -> TrainingData:
        """Return the images of a run, to be read with the recipe's preprocessing."""
        reader = ImageReader(self.images_folder, preprocessing_for(self.backbone, recipe))
        return TrainingData(reader, train, self.snapshot.part("test"), self.snapshot.classes, self.fresh)
