"""Score a stored model on the test images of today, so that two models are compared on the same ones."""

from collections.abc import Mapping
from math import nan

from db import store
from jobs.work import Work
from pipeline.evaluate import run_forward, softmax
from pipeline.evaluation_arrays import evaluation_of
from pipeline.manifest import MANIFEST
from pipeline.reader import ImageReader
from pipeline.records import Evaluation, Prediction, SnapshotImage
from pipeline.trained_model import TrainedModel, open_trained

Probabilities = Mapping[str, tuple[float, ...]]  # by the content of an image


def evaluation_today(work: Work, run_id: int, batch_size: int) -> Evaluation | None:
    """Return a stored run's evaluation on the current test images; None if it was made for other classes.

    Test images that it was trained on, before somebody moved them, are left out: of them it knows the answer.
    Only images that it never scored are computed; the labels are those of today. The result is stored,
    unless no image could be read: then it has no predictions. Its probabilities are raw: the model's
    temperature plays no part.

    Raises:
        WeightsError: the model's files are missing or damaged.
    """
    with work.sessions() as session:
        written = store.artifact_sha256(session, run_id, MANIFEST)
    model = open_trained(work.home.model(run_id), written)
    if model.classes != work.snapshot.classes:
        return None
    with work.sessions() as session:
        known = store.known_answers(session, run_id)
        trained_on = store.tested_but_trained_on(session, run_id, work.snapshot_id)
    test = [image for image in work.snapshot.part("test") if image.sha256 not in trained_on]
    known |= _scores(work, model, [image for image in test if image.sha256 not in known], batch_size)
    scored = [image for image in test if image.sha256 in known]
    if not scored:
        return Evaluation(nan, nan, ())
    result = _evaluation(scored, known, model.classes)
    with work.sessions.begin() as session:
        if store.evaluation_on(session, run_id, work.snapshot_id) is None:
            store.add_evaluation(session, run_id, work.snapshot_id, result)
    return result


def _evaluation(
    images: list[SnapshotImage], probabilities: Probabilities, classes: tuple[str, ...]
) -> Evaluation:
    predictions = tuple(
        Prediction(image.sha256, image.path, image.label, probabilities[image.sha256]) for image in images
    )
    return evaluation_of(predictions, classes)


def _scores(
    work: Work, model: TrainedModel, images: list[SnapshotImage], batch_size: int
) -> dict[str, tuple[float, ...]]:
    """Return the probabilities of those images that can be read."""
    if not images:
        return {}
    positions, logits = run_forward(
        model.forward,
        ImageReader(work.images_folder, model.preprocessing),
        images,
        batch_size,
        stage="test images, champion",
        check_stop=work.around.check_stop,
        progress=work.around.progress,
    )
    rows = softmax(logits).tolist() if len(positions) else []
    return {images[p].sha256: tuple(row) for p, row in zip(positions, rows, strict=True)}
