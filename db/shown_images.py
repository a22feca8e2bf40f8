"""Which images the page of a cycle shows, the most important first."""

from collections.abc import Iterator, Sequence
from itertools import islice

from pipeline.records import Cycle, Prediction, RunDetails

EACH = 24  # images that a section of the page shows


def shown_images(cycle: Cycle) -> Iterator[str]:
    """Yield content hashes, some more than once.

    First those of the worst errors, then what is newly wrong and newly right against the champion, then
    leaks, suspects, the most novel images and changes, and last what only the baseline got wrong.
    """
    classes = () if cycle.snapshot is None else cycle.snapshot.classes
    yield from islice(_wrong_images(classes, cycle.finetune), EACH)
    for wrong, right in ((cycle.finetune, cycle.compared), (cycle.compared, cycle.finetune)):
        yield from islice(_turned_images(classes, wrong, right), EACH)
    for leak in cycle.leaks[:EACH]:
        yield from (leak.train.sha256, leak.test.sha256)
    yield from (suspect.sha256 for suspect in cycle.suspects[:EACH])
    if cycle.finetune is not None and cycle.finetune.findings.novelty is not None:
        yield from cycle.finetune.findings.novelty.most_novel[:EACH]
    yield from (change.sha256 for change in cycle.changes)  # the page picks some of each kind
    yield from islice(_wrong_images(classes, cycle.scratch), EACH)


def _wrong_images(classes: Sequence[str], details: RunDetails | None) -> Iterator[str]:
    """Yield the hashes of the images that a run got wrong, the surest answers first, as the page does."""
    wrong = [
        (-max(prediction.probabilities), prediction.sha256)
        for prediction in _predictions(details)
        if not _is_right(prediction, classes)
    ]
    yield from (sha256 for _, sha256 in sorted(wrong))


def _turned_images(
    classes: Sequence[str], wrong: RunDetails | None, right: RunDetails | None
) -> Iterator[str]:
    """Yield the hashes of the images that the first run got wrong and the second right."""
    fine = {p.sha256 for p in _predictions(right) if _is_right(p, classes)}
    yield from (sha256 for sha256 in _wrong_images(classes, wrong) if sha256 in fine)


def _is_right(prediction: Prediction, classes: Sequence[str]) -> bool:
    probabilities = prediction.probabilities
    return classes[probabilities.index(max(probabilities))] == prediction.label


def _predictions(details: RunDetails | None) -> tuple[Prediction, ...]:
    return () if details is None or details.evaluation is None else details.evaluation.predictions
