"""What the section on mistakes shows: test images that the fine-tune got wrong, the most confident first."""

from dataclasses import dataclass

from pipeline.evaluation_tables import errors_of
from pipeline.records import Cycle
from pipeline.report.models import Model, model_of
from pipeline.report.pictures import ShownImage, shown_images

MOST_MISTAKES = 24


@dataclass(frozen=True)
class Mistakes:
    """The first of the mistakes, and how many there are in all."""

    shown: tuple[ShownImage, ...]
    in_all: int

    @property
    def has_maps(self) -> bool:
        """Whether any of the pictures has a map."""
        return any(image.maps for image in self.shown)


def mistakes_of(cycle: Cycle, models: tuple[Model, ...]) -> Mistakes | None:
    """Work out the section; None if the fine-tune was not tested."""
    finetune = model_of(models, "finetune")
    if finetune is None or cycle.snapshot is None:
        return None
    wrong = errors_of(finetune.evaluation, cycle.snapshot.classes)
    hashes = [mistake.prediction.sha256 for mistake in wrong[:MOST_MISTAKES]]
    beside = [model for model in (model_of(models, "champion"), finetune) if model]
    return Mistakes(shown_images(hashes, beside, cycle.snapshot.classes, cycle.thumbnails), len(wrong))
