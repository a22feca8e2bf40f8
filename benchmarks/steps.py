"""A training step on one prepared batch, so that only computing is timed."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.whisker_recipe import network_of
from pipeline.gradients import Gradients
from pipeline.runtime import mx

BATCH_SIZE, SIZE = 32, 224


def training_step(backbone: str, device: str = "cpu", make: Any = Gradients) -> Callable[[], None]:
    """Return a function that makes one update of all layers of a backbone and waits for its end.

    `make` returns the gradients of a network, an image size and a context.
    """
    context = mx.gpu() if device == "gpu" else mx.cpu()
    network = network_of(backbone, context)
    pixels = np.random.default_rng(0).standard_normal((BATCH_SIZE, 3, SIZE, SIZE)).astype(np.float32)
    trainer = mx.gluon.Trainer(network.collect_params(), "sgd", {"learning_rate": 0.002})
    gradients = make(network, SIZE, context)
    targets = mx.nd.array([0, 1] * (BATCH_SIZE // 2), ctx=context)

    def step() -> None:
        gradients(mx.nd.array(pixels, ctx=context), targets)
        gradients.update(trainer, BATCH_SIZE)
        mx.nd.waitall()

    return step


def images_per_second(step: Callable[[], object], steps: int = 3) -> float:
    """Return the speed of a step over one batch, after one step that does not count."""
    step()
    started = time.perf_counter()
    for _ in range(steps):
        step()
    return steps * BATCH_SIZE / (time.perf_counter() - started)
