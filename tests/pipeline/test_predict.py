"""Answers for any files, one after the other."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.arrays import Array
from pipeline.calibration import calibrated
from pipeline.errors import Interrupted
from pipeline.predict import BATCHES_AHEAD, predict
from pipeline.records import Evaluation, Prediction, Preprocessing
from tests.pipeline.pictures import save_picture

SMALL = Preprocessing(16, "squash", 16, "bilinear", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def brightness(images: Array) -> Array:
    """Answer with the mean of each image against its opposite."""
    mean = images.mean(axis=(1, 2, 3))
    return np.stack([mean, 1 - mean], axis=1)


@pytest.fixture
def files(tmp_path: Path) -> list[bytes]:
    paths = [tmp_path / f"{number}.png" for number in range(7)]
    for number, path in enumerate(paths):
        save_picture(path, number)
    (tmp_path / "text.jpg").write_text("no image")
    return [
        os.fsencode(path) for path in (*paths[:3], tmp_path / "text.jpg", tmp_path / "none.jpg", *paths[3:])
    ]


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_each_file_has_its_own_answer_in_the_given_order(files: list[bytes], batch_size: int) -> None:
    answers = list(predict(files, brightness, SMALL, batch_size=batch_size))
    assert [answer.path for answer in answers] == files
    alone = [next(predict([path], brightness, SMALL)) for path in files]
    assert [answer.probabilities for answer in answers] == [answer.probabilities for answer in alone]
    assert all(sum(answer.probabilities) == pytest.approx(1) for answer in answers if not answer.error)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_divides_the_logits_as_the_report_does_it(
    files: list[bytes], temperature: float
) -> None:
    raw = [a.probabilities for a in predict(files, brightness, SMALL) if not a.error]
    stored = Evaluation(1.0, 0.0, tuple(Prediction("", b"", "cat", row) for row in raw))
    shown = calibrated(stored, temperature).predictions
    found = [a for a in predict(files, brightness, SMALL, temperature=temperature) if not a.error]
    assert [a.probabilities for a in found] == [pytest.approx(p.probabilities, abs=1e-6) for p in shown]


def test_what_cannot_be_read_has_its_reason_and_the_others_their_answers(files: list[bytes]) -> None:
    errors = {a.path.rpartition(b"/")[2]: a.error for a in predict(files, brightness, SMALL) if a.error}
    assert errors == {b"text.jpg": "not an image", b"none.jpg": "no such file"}


def test_files_without_any_image_never_reach_the_network(files: list[bytes]) -> None:
    def fail(images: Array) -> Array:
        raise AssertionError(images.shape)

    assert len(list(predict(files[3:5], fail, SMALL))) == 2


def test_no_more_than_a_few_batches_are_read_ahead(files: list[bytes]) -> None:
    taken = itertools.count()

    def endless() -> Iterator[bytes]:
        while True:
            next(taken)
            yield files[0]

    answers = predict(endless(), brightness, SMALL, batch_size=2)
    for _ in range(10):
        next(answers)
    answers.close()
    assert next(taken) <= 10 + 2 * (BATCHES_AHEAD + 1)


def test_a_signal_ends_it(files: list[bytes]) -> None:
    def stop() -> None:
        raise Interrupted(15)

    with pytest.raises(Interrupted):
        list(predict(files, brightness, SMALL, check_stop=stop))
