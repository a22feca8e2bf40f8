"""What processes of several hosts take of a training; that they add up right, tests/jobs/cluster shows."""

import hashlib
from typing import Any

import numpy as np
import pytest

from pipeline.arrays import Array
from pipeline.errors import ComputingFailed
from pipeline.reader import ImageReader
from pipeline.records import SnapshotImage
from pipeline.runtime import mx
from pipeline.server_sharing import SharedByServers, to_plain_layout
from pipeline.sharing import Sharing
from pipeline.train import _own_batches
from pipeline.training_data import TrainingData
from tests.pipeline.training import classic, small_network

IMAGES = tuple(
    SnapshotImage(hashlib.sha256(b"%d" % number).hexdigest(), "cat", "train", b"%d" % number)
    for number in range(1_000)
)
DATA = TrainingData(ImageReader, IMAGES, (), ("cat",))  # type: ignore[arg-type]  # nothing is read


def sharing(rank: int, processes: int, devices: int = 1) -> Sharing:
    return Sharing((mx.cpu(),) * devices, "dist_sync", rank, processes)


def own_batches(epoch: int, processes: int, recipe: Any, devices: int = 1) -> list[list[list[int]]]:
    """Return for each process which images it takes of each batch."""
    order = np.random.default_rng(epoch).permutation(len(IMAGES)).tolist()
    ranks = range(processes)
    return [
        list(map(list, _own_batches(list(order), DATA, recipe, sharing(r, processes, devices))))
        for r in ranks
    ]


SHARED = {
    "2": (2, 1, {}),
    "3, which do not divide the batch": (3, 1, {}),
    "2 with 2 devices each": (2, 2, {}),
    "2 in parts": (2, 1, {"gradient_parts": 2}),
    "more than a short batch has images": (8, 1, {"batch_size": 9}),
    "one": (1, 1, {}),
}


@pytest.mark.parametrize(("processes", "devices", "changes"), SHARED.values(), ids=SHARED)
def test_every_image_is_taken_by_one_process_and_the_batches_are_those_of_one(
    processes: int, devices: int, changes: dict[str, Any]
) -> None:
    recipe = classic(**changes)
    (alone,) = own_batches(1, 1, classic(**changes))
    of_processes = own_batches(1, processes, recipe, devices)
    assert {len(batches) for batches in of_processes} == {len(alone)}, "all make the same number of steps"
    for batch, *parts in zip(alone, *of_processes, strict=True):
        assert sorted(position for part in parts for position in part) == sorted(batch)
        assert max(map(len, parts)) <= -(-len(batch) // processes) + recipe.images_at_once


def test_a_process_reads_nearly_always_the_same_images() -> None:
    """Where a batch has 64 images; by chance it would be half of them."""
    recipe = classic(batch_size=64)
    first, second = (
        {position for batch in own_batches(epoch, 2, recipe)[0] for position in batch} for epoch in (1, 2)
    )
    assert len(first & second) > 0.85 * len(first)


def test_what_processes_have_computed_is_put_together() -> None:
    """By sums of tables, of which each process has filled its own rows; image 3 could not be read."""
    rows = np.arange(8, dtype=np.float32).reshape(4, 2)
    of_ranks: list[tuple[Array, Array]] = [(np.array([0, 2]), rows[[0, 2]]), (np.array([1]), rows[[1]])]
    tables: list[Array] = []

    class Told(Sharing):
        def total(self, values: Array) -> Array:
            tables.append(values)
            return np.asarray(sum(tables))

    for rank, (positions, own) in enumerate(of_ranks):
        told = Told((mx.cpu(),), "dist_sync", rank, 2)
        found, together = told.gathered(positions, own, 4, 2)
    assert found.tolist() == [0, 1, 2]
    assert together.dtype == np.float32
    assert (together == rows[:3]).all()


def test_a_process_that_could_read_nothing_gives_no_rows() -> None:
    class Alone(Sharing):
        def total(self, values: Array) -> Array:
            return values

    nothing = np.empty((0, 0), np.float32)
    found, together = Alone((mx.cpu(),), rank=1, processes=2).gathered(np.empty(0, np.int64), nothing, 4, 2)
    assert found.tolist() == []
    assert together.shape == (0, 2)


@pytest.mark.parametrize(("factor", "alike"), [(1.0, True), (1.0001, True), (1.01, False), (0.0, False)])
def test_workers_that_hold_other_parameters_end_the_training(factor: float, alike: bool) -> None:
    """The other one of two has all parameters times a factor."""

    class Told(SharedByServers):
        def total(self, values: Array) -> Array:
            return values * (1 + factor)

    told = Told((mx.cpu(),), None, 0, 2)
    if alike:
        told.check_alike(small_network())
        return
    with pytest.raises(ComputingFailed, match="do not hold the same parameters any more"):
        told.check_alike(small_network())


def test_parameters_in_a_plain_layout_have_the_values_that_they_had() -> None:
    network = small_network()
    batch = mx.nd.array(np.random.default_rng(0).normal(size=(2, 3, 64, 64)))
    before, parameters = network(batch).asnumpy(), network.collect_params().values()
    values = [parameter.data().asnumpy() for parameter in parameters]
    to_plain_layout(network)
    for parameter, value in zip(parameters, values, strict=True):
        assert (parameter.data().asnumpy() == value).all()
        assert parameter.grad_req == "null" or parameter.grad().shape == value.shape
    np.testing.assert_allclose(network(batch).asnumpy(), before, atol=1e-6)
