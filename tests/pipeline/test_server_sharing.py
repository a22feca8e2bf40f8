"""What processes of several hosts take of a training; that they add up right, tests/jobs/cluster shows."""

import numpy as np
import pytest

from pipeline.arrays import Array
from pipeline.epoch_batches import epoch_batches
from pipeline.errors import ComputingFailed
from pipeline.runtime import mx
from pipeline.server_sharing import SharedByServers, to_plain_layout
from pipeline.sharing import Sharing
from tests.pipeline.training import classic, small_network


def sharing(rank: int, processes: int, devices: int = 1) -> Sharing:
    return Sharing((mx.cpu(),) * devices, "dist_sync", rank, processes)


def own_batches(
    epoch: int, processes: int, devices: int = 1, parts: int = 1, size: int = 64
) -> list[list[list[int]]]:
    """Return for each process which of a thousand images it takes of each batch."""
    batches = epoch_batches(range(1_000), size, np.random.default_rng(epoch))
    of_all = [sharing(rank, processes, devices) for rank in range(processes)]
    recipe = classic(batch_size=size, gradient_parts=parts)
    return [
        [list(one.own(batch, one.part_size(recipe.images_at_once))) for batch in batches] for one in of_all
    ]


SHARED = {
    "2": (2, 1, 1, 64),
    "3, which do not divide the batch": (3, 1, 1, 64),
    "2 with 2 devices each": (2, 2, 1, 64),
    "2 in parts": (2, 1, 2, 64),
    "more than a short batch has images": (8, 1, 1, 9),
    "one": (1, 1, 1, 64),
}


@pytest.mark.parametrize(("processes", "devices", "parts", "size"), SHARED.values(), ids=SHARED)
def test_every_image_is_taken_by_one_process_and_the_batches_are_those_of_one(
    processes: int, devices: int, parts: int, size: int
) -> None:
    (alone,) = own_batches(1, 1, size=size)
    of_processes = own_batches(1, processes, devices, parts, size)
    assert {len(batches) for batches in of_processes} == {len(alone)}, "all make the same number of steps"
    for batch, *own in zip(alone, *of_processes, strict=True):
        assert sorted(position for part in own for position in part) == sorted(batch)
        assert max(map(len, own)) <= -(-len(batch) // processes) + size // parts


@pytest.mark.parametrize(("processes", "devices", "parts", "size"), SHARED.values(), ids=SHARED)
def test_a_process_reads_its_own_part_of_the_hashes_in_each_full_batch(
    processes: int, devices: int, parts: int, size: int
) -> None:
    """And none that another one reads, in any epoch."""
    read = [
        {
            position
            for epoch in (1, 2, 3)
            for batch in own_batches(epoch, processes, devices, parts, size)[rank][:-1]
            for position in batch
        }
        for rank in range(processes)
    ]
    assert sum(map(len, read)) == len(set.union(*read)) > 900


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
