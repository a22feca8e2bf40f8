"""Fits that run at the same time."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from pipeline import fits
from pipeline.errors import Interrupted
from pipeline.findings import Fitting, data_curve, repeats
from pipeline.fits import LARGE, each
from pipeline.head import fit_head, held_out_losses
from pipeline.suspects import out_of_fold_probabilities
from tests.pipeline.test_findings import TEST, TRAIN
from tests.pipeline.training import AROUND

FITTING = Fitting(("cat", "dog"), 0.1, 60)
ROWS, WIDTH = 700, 160  # so large that BLAS would use several threads


def cloud() -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, ROWS)
    features = random.normal(size=(ROWS, WIDTH)) + 0.3 * labels[:, None]
    return features.astype(np.float32), labels


def heads() -> bytes:
    features, labels = cloud()
    samples = [np.random.default_rng(seed).choice(ROWS, ROWS) for seed in range(6)]
    found = each(
        lambda rows: fit_head(features[rows], labels[rows], 2, strength=0.1, iterations=60)[-1],
        samples,
        features.size,
    )
    return b"".join(head.weight.tobytes() + head.bias.tobytes() for head in found)


def losses() -> list[tuple[float, float]]:
    features, labels = cloud()
    return list(held_out_losses(features, labels, np.arange(ROWS) % 5 == 0, 2, (0.001, 0.01, 0.1, 1.0), 60))


def judged() -> bytes:
    features, labels = cloud()
    keys = [f"{row:05}" for row in range(ROWS)]
    return out_of_fold_probabilities(features, labels, 2, strength=0.1, iterations=60, keys=keys).tobytes()


def found_out() -> list[object]:
    head = FITTING.fit(TRAIN, np.arange(len(TRAIN.labels)))
    curve = data_curve(TRAIN, TEST, head, FITTING, AROUND)
    return [*repeats(TRAIN, TEST, FITTING, AROUND), *curve]


@pytest.mark.parametrize("numbers", [heads, losses, judged, found_out])
def test_the_bits_are_the_same_whatever_the_number_of_threads(
    monkeypatch: pytest.MonkeyPatch, numbers: Callable[[], object]
) -> None:
    found = []
    for threads in (1, 2, 3, 8):
        monkeypatch.setattr(fits, "computing_threads", lambda threads=threads: threads)
        found.append(numbers())
    assert all(other == found[0] for other in found)


def test_fits_that_need_no_other_run_at_once_and_their_results_stay_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fits, "computing_threads", lambda: 3)
    meeting = threading.Barrier(3, timeout=60)  # nobody passes it alone

    def fit(item: int) -> int:
        meeting.wait()
        return -item

    assert each(fit, [1, 2, 3], 10) == [-1, -2, -3]


def test_large_fits_run_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits, "computing_threads", lambda: 8)
    threads = each(lambda _: threading.current_thread(), range(4), LARGE // 2 + 1)
    assert set(threads) == {threading.current_thread()}


def test_a_signal_ends_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits, "computing_threads", lambda: 2)
    started: list[int] = []

    def stop() -> None:
        if started:
            raise Interrupted(15)

    with pytest.raises(Interrupted):
        each(started.append, range(1000), 10, stop)
    assert len(started) <= 2, "no more than those that were under way"


def test_no_fit_is_no_result() -> None:
    assert each(len, [], 10) == []


def test_blas_has_its_threads_back_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    def blas() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = blas()
    assert before
    for threads in (1, 4):
        monkeypatch.setattr(fits, "computing_threads", lambda threads=threads: threads)
        heads()
        assert blas() == before
    monkeypatch.setattr(fits, "computing_threads", lambda: 4)
    with pytest.raises(ZeroDivisionError):
        each(lambda item: 1 // item, [1, 0, 1], 10)
    assert blas() == before
