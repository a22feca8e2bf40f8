"""The linear head."""

import tracemalloc

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from pipeline.arrays import Array
from pipeline.errors import Interrupted
from pipeline.evaluate import loss_and_accuracy
from pipeline.head import _objective, _Scaled, _Scaling, fit_head, held_out_losses, losses_and_accuracies


def blobs(count: int = 200, width: int = 12, seed: int = 0) -> tuple[Array, Array]:
    """Return features (N, F) of two overlapping classes on very different scales, and labels (N,)."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    scales = 10.0 ** random.uniform(-2, 2, width)
    features = (random.normal(size=(count, width)) + labels[:, None] * 0.7) * scales + 5 * scales
    return features.astype(np.float32), labels


def test_the_gradient_is_that_of_the_loss() -> None:
    features, labels = blobs(30, 4)
    scaled = _Scaled.of(features, np.eye(2, dtype=np.float32)[labels], _Scaling.of(features))
    point = np.random.default_rng(1).normal(size=(2, 5))
    numeric = approx_fprime(point.ravel(), lambda flat: _objective(flat.reshape(2, 5), scaled, 0.1)[0], 1e-4)
    assert _objective(point, scaled, 0.1)[1] == pytest.approx(numeric, abs=2e-3)


def test_the_last_iterate_is_the_optimum_whatever_the_scale_of_the_features() -> None:
    features, labels = blobs()
    heads = fit_head(features, labels, 2, strength=0.1, iterations=200)
    scaled = (features - features.mean(0)) / features.std(0)
    scaled_heads = fit_head(scaled, labels, 2, strength=0.1, iterations=200)
    assert heads[-1].logits(features) == pytest.approx(scaled_heads[-1].logits(scaled), abs=1e-2)
    assert len(heads) < 200, "it stops when it has converged"


def test_a_weaker_penalty_fits_the_training_images_closer() -> None:
    features, labels = blobs()
    heads = [fit_head(features, labels, 2, strength=c, iterations=300)[-1] for c in (1e-4, 10)]
    right = [float((head.logits(features).argmax(1) == labels).mean()) for head in heads]
    assert right[1] >= right[0]


def test_a_constant_feature_does_no_harm() -> None:
    features, labels = blobs()
    features[:, 0] = 3
    head = fit_head(features, labels, 2, strength=0.1, iterations=50)[-1]
    assert np.isfinite(head.weight).all()
    assert np.isfinite(head.logits(features)).all()


def test_three_classes_can_be_told_apart() -> None:
    labels = np.arange(90) % 3
    features = np.random.default_rng(0).normal(size=(90, 5)).astype(np.float32)
    features[np.arange(90), labels] += 8
    head = fit_head(features, labels, 3, strength=1.0, iterations=100)[-1]
    assert (head.logits(features).argmax(axis=1) == labels).all()


def test_held_out_images_do_not_train_the_head_that_they_judge() -> None:
    features, labels = blobs()
    held_out = np.zeros(len(labels), bool)
    held_out[:50] = True
    poisoned = labels.copy()
    poisoned[held_out] = 1 - poisoned[held_out]
    (_, honest), (_, wrong) = (
        next(held_out_losses(features, these, held_out, 2, [0.1], 50)) for these in (labels, poisoned)
    )
    assert wrong > honest, "had they been trained on, the wrong labels would have been learnt"


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 2,000 images be more than are worked on at once."""
    monkeypatch.setattr("pipeline.head.LARGE", 1_000)
    monkeypatch.setattr("pipeline.stretches.ROWS", 128)


def test_many_images_have_the_head_that_they_would_have_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = blobs(2_000)
    whole = fit_head(features, labels, 2, strength=0.1, iterations=100)[-1]
    monkeypatch.setattr("pipeline.head.LARGE", 1_000)
    monkeypatch.setattr("pipeline.stretches.ROWS", 128)
    parts = fit_head(features, labels, 2, strength=0.1, iterations=100)[-1]
    assert parts.logits(features) == pytest.approx(whole.logits(features), abs=1e-2)


@pytest.mark.usefixtures("few_at_once")
def test_no_copy_of_many_features_is_made_when_a_head_is_fitted_and_judged() -> None:
    features, labels = blobs(2_000, 500)
    tracemalloc.start()
    heads = fit_head(features, labels, 2, strength=0.1, iterations=3)
    losses_and_accuracies(heads, features, labels)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < features.nbytes / 3


@pytest.mark.usefixtures("few_at_once")
def test_several_heads_are_judged_in_one_pass_as_each_alone() -> None:
    features, labels = blobs(300)
    heads = fit_head(features, labels, 2, strength=0.1, iterations=4)
    alone = [loss_and_accuracy(head.logits(features), labels) for head in heads]
    assert np.array(losses_and_accuracies(heads, features, labels)) == pytest.approx(
        np.array(alone), rel=1e-6
    )


def test_a_signal_ends_a_fit_between_two_passes() -> None:
    passes = iter(range(3))

    def stop() -> None:
        if next(passes) == 2:
            raise Interrupted(15)

    with pytest.raises(Interrupted):
        fit_head(*blobs(), 2, strength=0.1, iterations=50, check_stop=stop)
