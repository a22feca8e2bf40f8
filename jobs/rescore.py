"""Score a stored model on the test images of today, so that two models are compared on the same ones."""

import os

import numpy as np

from db import store
from jobs.training import Work
from pipeline.bundle import load_model, read_manifest
from pipeline.evaluate import evaluation, run_forward
from pipeline.network import forward_of
from pipeline.reader import ImageReader
from pipeline.records import Evaluation


def evaluation_today(work: Work, run_id: int, batch_size: int) -> Evaluation | None:
    """Return a stored run's evaluation on the current test images; None if it was made for other classes.

    Where the run has scored all these images before, its stored probabilities serve, under the labels of
    today; else its model is loaded and run, and the result is stored.

    Raises:
        WeightsError: the model's files are missing or damaged.
    """
    if tuple(read_manifest(work.home.model(run_id))["classes"]) != work.snapshot.classes:
        return None
    with work.sessions() as session:
        stored = store.load_run(session, run_id).evaluation
    result = _relabelled(work, stored) or _scored_again(work, run_id, batch_size)
    with work.sessions.begin() as session:
        if store.evaluation_on(session, run_id, work.snapshot_id) is None:
            store.add_evaluation(session, run_id, work.snapshot_id, result)
    return result


def _relabelled(work: Work, stored: Evaluation | None) -> Evaluation | None:
    """Return the stored probabilities as an evaluation on today's test images; None if one is missing."""
    known = {p.sha256: p.probabilities for p in stored.predictions} if stored else {}
    test = work.snapshot.part("test")
    if any(image.sha256 not in known for image in test):
        return None
    probabilities = np.array([known[image.sha256] for image in test])
    return evaluation(test, work.snapshot.classes, np.log(np.maximum(probabilities, 1e-300)))


def _scored_again(work: Work, run_id: int, batch_size: int) -> Evaluation:
    model = load_model(work.home.model(run_id), work.around.device)
    test = work.snapshot.part("test")
    positions, logits = run_forward(
        forward_of(model.network, work.around.device),
        ImageReader(os.fsencode(work.images_folder), model.preprocessing),
        test,
        batch_size,
        stage=f"test images, run {run_id}",
        check_stop=work.around.check_stop,
        progress=work.around.progress,
    )
    return evaluation([test[p] for p in positions], model.classes, logits)
