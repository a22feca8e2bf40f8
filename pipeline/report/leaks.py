"""What the section on leaks shows: training images that were left out, since a test image shows the same."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.evaluation_tables import said_index
from pipeline.perceptual_hash import BITS
from pipeline.pictures import thumbnail_uri
from pipeline.records import Cycle, Evaluation, Leak, RunDetails
from pipeline.report.models import runs_of
from pipeline.report.plot_frame import Kind
from pipeline.report.scores import score_of

MOST_PAIRS = 24
TRANSFORMS = {
    "none": "re-encoded or resized",
    "mirrored": "mirrored",
    "upside down": "mirrored top to bottom",
    "half turn": "turned upside down",
    "transposed": "mirrored and turned",
    "quarter turn left": "turned by a quarter",
    "quarter turn right": "turned by a quarter",
    "transversed": "mirrored and turned",
}


@dataclass(frozen=True)
class ShownLeak:
    """A pair with its pictures as data: URIs; None where there is no thumbnail."""

    leak: Leak
    likeness: str
    train_picture: str | None
    test_picture: str | None


@dataclass(frozen=True)
class LeakScore:
    """How good a run is on all test images, and on those that no left-out image shows."""

    name: str
    kind: Kind
    with_all: str
    without: str


@dataclass(frozen=True)
class Leaks:
    """The pairs and what they do to the accuracy."""

    shown: tuple[ShownLeak, ...]
    in_all: int
    affected: int  # test images
    scores: tuple[LeakScore, ...]  # of the runs whose predictions are known


def leaks_of(cycle: Cycle) -> Leaks:
    """Work out the section."""
    affected = {leak.test.sha256 for leak in cycle.leaks}
    runs = [(kind, name, details) for kind, name, details in runs_of(cycle) if details.evaluation]
    classes = cycle.snapshot.classes if cycle.snapshot else ()
    return Leaks(
        shown=tuple(
            ShownLeak(
                leak,
                likeness(leak),
                thumbnail_uri(cycle.thumbnails, leak.train.sha256),
                thumbnail_uri(cycle.thumbnails, leak.test.sha256),
            )
            for leak in cycle.leaks[:MOST_PAIRS]
        ),
        in_all=len(cycle.leaks),
        affected=len(affected),
        scores=tuple(_score(*run, affected, classes) for run in runs) if affected and classes else (),
    )


def likeness(leak: Leak) -> str:
    """Say how the training image is like the test image."""
    if leak.train.sha256 == leak.test.sha256:
        return "an exact copy"
    how = TRANSFORMS.get(leak.transform, leak.transform)
    return f"{how}; {leak.distance} of {BITS} bits of the picture's hash differ"


def _score(
    kind: Kind, name: str, details: RunDetails, affected: set[str], classes: Sequence[str]
) -> LeakScore:
    rest = replace(details, evaluation=_without(details.evaluation, affected, classes))
    return LeakScore(name, kind, _in_words(details), _in_words(rest))


def _without(evaluation: Evaluation | None, affected: set[str], classes: Sequence[str]) -> Evaluation | None:
    if evaluation is None:
        return None
    kept = tuple(p for p in evaluation.predictions if p.sha256 not in affected)
    right = sum(classes[said_index(prediction)] == prediction.label for prediction in kept)
    return replace(evaluation, predictions=kept, accuracy=right / max(len(kept), 1))


def _in_words(details: RunDetails) -> str:
    score = score_of(details)
    return f"{score.text} of {score.images:,d}" if score else "no test image is left"
