"""What the section on newly wrong and newly right images shows: where only one of two models is right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.paired import Comparison
from pipeline.records import Cycle
from pipeline.report.models import Model, model_of
from pipeline.report.pictures import ShownImage, shown_images

MOST_TURNED = 12  # of each sort


@dataclass(frozen=True)
class Turned:
    """Images on which one of the two is right; the surest of the wrong answers first."""

    broken: tuple[ShownImage, ...]
    broken_in_all: int
    fixed: tuple[ShownImage, ...]
    fixed_in_all: int

    @property
    def has_maps(self) -> bool:
        """Whether any of the pictures has a map."""
        return any(image.maps for image in (*self.broken, *self.fixed))


def turned_of(cycle: Cycle, models: tuple[Model, ...], comparison: Comparison | None) -> Turned | None:
    """Work out the section; None if there is nothing to compare."""
    before, after = model_of(models, "champion"), model_of(models, "finetune")
    if before is None or after is None or comparison is None or cycle.snapshot is None:
        return None
    return turned(before, after, comparison, cycle.snapshot.classes, cycle.thumbnails)


def turned(
    before: Model,
    after: Model,
    comparison: Comparison,
    classes: Sequence[str],
    thumbnails: Mapping[str, bytes],
) -> Turned:
    """Return the images on which only one of two models is right, by their comparison."""
    broken = _surest(comparison.broken, after)[:MOST_TURNED]
    fixed = _surest(comparison.fixed, before)[:MOST_TURNED]
    both = (before, after)
    return Turned(
        broken=shown_images(broken, both, classes, thumbnails),
        broken_in_all=len(comparison.broken),
        fixed=shown_images(fixed, both, classes, thumbnails),
        fixed_in_all=len(comparison.fixed),
    )


def _surest(hashes: Sequence[str], wrong: Model) -> list[str]:
    sure = {p.sha256: max(p.probabilities) for p in wrong.evaluation.predictions}
    return sorted(hashes, key=lambda sha256: (-sure[sha256], sha256))
