"""A training over several real processes, and what becomes of it when one of them dies."""

import contextlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from jobs.cluster.nodes import ROLES, Role
from pipeline.errors import BadSettings, ClusterFailed, DeviceUnavailable, Interrupted
from pipeline.failpoint import VARIABLE
from pipeline.records import EpochMetrics, Evaluation, Note
from pipeline.runtime import mx
from pipeline.sharing import Sharing
from pipeline.surroundings import Surroundings
from pipeline.train import fit_all_layers
from tests.jobs.cluster.jobs import (
    KVSTORES,
    RECIPE,
    asked,
    needs_horovod,
    node,
    processes_in,
    settings,
    train,
    values,
)
from tests.pipeline.training import AROUND, metrics

CONTEXTS = (mx.cpu(1), mx.cpu(2))
TWO_DEVICES = replace(AROUND, device=CONTEXTS[0], shared=Sharing(CONTEXTS))
ROUNDING = 2e-5


@pytest.mark.parametrize("kvstore", KVSTORES)
def test_two_workers_train_what_two_devices_of_one_process_do(place: Path, drawn: Path, kvstore: str) -> None:
    """Parameters and statistics, the metrics of each epoch, and what is said of each test image."""
    listening: set[str] = set()

    def look() -> None:
        for process in processes_in(place):
            with contextlib.suppress(psutil.Error):
                listening.update(c.laddr.ip for c in process.net_connections("tcp") if c.status == "LISTEN")

    alone = asked(place / "alone", drawn, TWO_DEVICES)
    expected = list(fit_all_layers(alone.network, alone.data, alone.recipe, TWO_DEVICES))
    shared = asked(place, drawn, replace(AROUND, check_stop=look))
    found = train(place, settings(kvstore=kvstore), shared)

    assert found[0] == Note(f"trained by 2 workers, {'Horovod' if kvstore == 'horovod' else '1 server'}")
    assert [type(event) for event in found[1:]] == [EpochMetrics, EpochMetrics, Evaluation]
    np.testing.assert_allclose(metrics(found), metrics(expected), atol=ROUNDING)
    for name, value in values(alone.network).items():
        np.testing.assert_allclose(values(shared.network)[name], value, atol=ROUNDING, err_msg=name)
    said, wanted = (said_of_images(events) for events in (found, expected))
    assert list(said) == list(wanted)
    np.testing.assert_allclose([*said.values()], [*wanted.values()], atol=ROUNDING)
    assert listening == {"127.0.0.1"}, "they let everybody in who reaches them"
    assert processes_in(place) == []


def said_of_images(events: Sequence[Any]) -> dict[str, tuple[float, ...]]:
    return {prediction.sha256: prediction.probabilities for prediction in events[-1].predictions}


def test_gradients_that_are_summed_twice_would_be_found(place: Path, drawn: Path) -> None:
    """What the comparison above rests on: two devices are one with two parts, at no other learning rate."""
    trained = []
    cases: list[tuple[Surroundings, dict[str, Any]]] = [
        (TWO_DEVICES, {}),
        (AROUND, {"gradient_parts": 2}),
        (AROUND, {"gradient_parts": 2, "learning_rate": 2 * RECIPE.learning_rate}),
    ]
    for around, changes in cases:
        what = asked(place, drawn, around, **changes)
        list(fit_all_layers(what.network, what.data, what.recipe, around))
        trained.append(values(what.network)["output.weight"])
    of_two, in_parts, twice = trained
    np.testing.assert_allclose(of_two, in_parts, atol=ROUNDING)
    assert np.abs(twice - in_parts).max() > 100 * ROUNDING


SETTLED: dict[str, Any] = {"batch_norm_batches": 2}  # of which each worker takes a part
KILLED: dict[str, tuple[tuple[Role, int], ...]] = {
    "dist_sync": (("server", 0), ("worker", 0)),
    "horovod": (("worker", 1), ("worker", 0)),
}


@pytest.mark.parametrize("kvstore", KVSTORES)
def test_a_training_that_is_cut_off_twice_ends_as_one_that_nothing_disturbed(
    place: Path, drawn: Path, monkeypatch: pytest.MonkeyPatch, kvstore: str
) -> None:
    """One process begins it. Each time worker 0 stands still after a checkpoint, somebody is killed."""
    killed, of = KILLED[kvstore], settings(kvstore=kvstore)
    epochs = 1 + len(killed) + 1
    undisturbed = asked(place / "undisturbed", drawn, TWO_DEVICES, epochs=epochs, **SETTLED)
    expected = list(fit_all_layers(undisturbed.network, undisturbed.data, undisturbed.recipe, TWO_DEVICES))
    begun = asked(place, drawn, TWO_DEVICES, epochs=epochs, **SETTLED)
    one_process = fit_all_layers(begun.network, begun.data, begun.recipe, TWO_DEVICES, begun.checkpoints)
    next(one_process)
    one_process.close()
    monkeypatch.setenv(VARIABLE, "after_checkpoint:stop")
    for number, (role, index) in enumerate(killed, start=2):
        around = replace(AROUND, check_stop=killer(place, role, index, after=number))
        with pytest.raises(ClusterFailed, match=rf"^{role} {index} on .* has ended \(SIGKILL\)"):
            train(place, of, asked(place, drawn, around, epochs=epochs, **SETTLED))
        assert processes_in(place) == []
    monkeypatch.delenv(VARIABLE)
    last = asked(place, drawn, epochs=epochs, **SETTLED)
    found = train(place, of, last)
    assert [event.epoch for event in found if isinstance(event, EpochMetrics)] == [epochs]
    np.testing.assert_allclose(metrics(found), metrics(expected)[-2:], atol=ROUNDING)
    for name, value in values(undisturbed.network).items():
        np.testing.assert_allclose(values(last.network)[name], value, atol=ROUNDING, err_msg=name)


def killer(place: Path, role: Role, index: int, *, after: int) -> Callable[[], None]:
    """Return a look that kills a node once so many epochs have left their checkpoint and worker 0 stops."""
    file = place / "home" / "checkpoints" / "run-0001" / f"epoch-{after:04d}.params"

    def look() -> None:
        worker = node(place, "worker", 0)
        if after and not (file.exists() and worker and worker.status() == psutil.STATUS_STOPPED):
            return
        if process := node(place, role, index):
            process.kill()

    return look


@pytest.mark.parametrize(("role", "index"), [("scheduler", 0), ("worker", 1)])
def test_a_node_that_dies_before_the_training_begins_ends_it(
    place: Path, drawn: Path, role: Role, index: int
) -> None:
    around = replace(AROUND, check_stop=killer(place, role, index, after=0))
    with pytest.raises(ClusterFailed, match=rf"^{role} {index} on .* has ended \(SIGKILL\)"):
        train(place, settings(), asked(place, drawn, around))
    assert processes_in(place) == []


STILL = [
    ("dist_sync", "server", 0),
    ("dist_sync", "worker", 0),
    pytest.param("horovod", "worker", 0, marks=needs_horovod),
    pytest.param("horovod", "worker", 1, marks=needs_horovod),
]


@pytest.mark.parametrize(("kvstore", "role", "index"), STILL)
def test_a_node_that_stands_still_ends_the_training(
    place: Path, drawn: Path, kvstore: str, role: Role, index: int
) -> None:
    def look() -> None:
        process = node(place, role, index)
        if process and process.status() != psutil.STATUS_STOPPED:
            process.send_signal(signal.SIGSTOP)

    around = replace(AROUND, check_stop=look)
    with pytest.raises(ClusterFailed, match=f"^{role} {index} on .* no sign of life for 4 seconds$"):
        train(place, settings(patience="4s", kvstore=kvstore), asked(place, drawn, around))
    assert processes_in(place) == []


def test_what_a_worker_fails_with_is_what_the_training_fails_with(place: Path, drawn: Path) -> None:
    nowhere = replace(settings(), devices=("cpu", "gpu:7"))
    with pytest.raises(DeviceUnavailable, match=r"gpu:7 cannot be used.*\(worker 1 on localhost\)$"):
        train(place, nowhere, asked(place, drawn))
    assert processes_in(place) == []


def test_a_machine_without_ssh_says_so(place: Path, drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(place))
    with pytest.raises(BadSettings, match="there is no program ssh on this machine"):
        train(place, settings(start="ssh"), asked(place, drawn))
    assert processes_in(place) == []


def test_a_signal_ends_all_nodes(place: Path, drawn: Path) -> None:
    def look() -> None:
        if all(node(place, role, 0) for role in ROLES):
            raise Interrupted(signal.SIGTERM)

    with pytest.raises(Interrupted):
        train(place, settings(), asked(place, drawn, replace(AROUND, check_stop=look)))
    assert processes_in(place) == []
