"""A training that goes on from what was kept after its last finished epoch."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.arrays import Array
from pipeline.checkpoint import Checkpoints
from pipeline.errors import SaveFailed, WeightsError
from pipeline.records import EpochMetrics, Evaluation
from pipeline.runtime import mx
from pipeline.train import fit_all_layers
from tests.pipeline.training import AROUND, classic, data_of, small_backbone, small_network

RECIPE = classic(
    epochs=3, batch_size=8, learning_rate=0.02, momentum=0.9, horizontal_flip=True, batch_norm_batches=1
)
TRAIN = """
import sys
from pathlib import Path
from tests.pipeline.test_checkpoint import train
for event in train(Path(sys.argv[1]), Path(sys.argv[2])):
    pass
"""


def at(folder: Path) -> Checkpoints:
    return Checkpoints(folder, "a training", {"threads": "1"})


def train(images: Path, folder: Path, network: Any = None) -> Iterator[Any]:
    """Train with drop-out, from the checkpoint in the folder if there is one."""
    network = network or with_drop_out()
    checkpoints = at(folder)
    checkpoints.look()
    return fit_all_layers(network, data_of(images, small_backbone()), RECIPE, AROUND, checkpoints)


def with_drop_out() -> Any:
    network = small_network()
    network.features.add(mx.gluon.nn.Dropout(0.5))
    return network


def values(network: Any) -> dict[str, Array]:
    return {name: p.data().asnumpy() for name, p in network._collect_params_with_prefix().items()}


def without_time(events: list[Any]) -> list[Any]:
    return [replace(event, seconds=0.0) if isinstance(event, EpochMetrics) else event for event in events]


def test_a_training_that_is_killed_in_an_epoch_goes_on_and_ends_as_one_that_was_not(
    drawn: Path, tmp_path: Path
) -> None:
    """Metrics, evaluation and each parameter are the same to the bit, with momentum, flips and drop-out."""
    whole, resumed = with_drop_out(), with_drop_out()
    expected = list(train(drawn, tmp_path / "whole", whole))
    environment = {**os.environ, "WHISKER_FAILPOINT": "in_epoch@5:kill"}  # three batches an epoch
    killed = subprocess.run(
        [sys.executable, "-c", TRAIN, drawn, tmp_path / "killed"], env=environment, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    events = list(train(drawn, tmp_path / "killed", resumed))
    assert [event.epoch for event in events[:-1]] == [2, 3]
    assert without_time(events) == without_time(expected[1:])
    for name, value in values(whole).items():
        assert np.array_equal(values(resumed)[name], value), name


def test_a_training_that_was_cut_off_after_its_last_epoch_is_only_evaluated(
    drawn: Path, tmp_path: Path
) -> None:
    *_, expected = train(drawn, tmp_path / "kept")
    assert list(train(drawn, tmp_path / "kept")) == [expected]
    assert isinstance(expected, Evaluation)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Return the folder of a checkpoint of two epochs."""
    checkpoints = at(tmp_path / "kept")
    for epoch in (1, 2):
        checkpoints.keep(metrics_of(epoch), {"weight": mx.nd.full((3, 4), epoch)})
    return tmp_path / "kept"


def metrics_of(epoch: int) -> EpochMetrics:
    return EpochMetrics(epoch, "all layers", 0.1, 0.2, 0.3, 0.4, 0.5)


def test_the_newest_epoch_is_kept_with_the_metrics_of_all(kept: Path) -> None:
    checkpoints = at(kept)
    checkpoints.look()
    assert checkpoints.found is not None
    assert checkpoints.found.epochs == (metrics_of(1), metrics_of(2))
    assert checkpoints.found.environment == {"threads": "1"}
    assert checkpoints.found.arrays["weight"].asnumpy().tolist() == np.full((3, 4), 2).tolist()
    assert sorted(file.name for file in kept.iterdir()) == ["checkpoint.json", "epoch-0002.params"]


def test_without_a_checkpoint_there_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    checkpoints = at(tmp_path / "none")
    checkpoints.look()
    assert checkpoints.found is None


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda kept: flip_a_bit(kept / "epoch-0002.params"), "has changed since it was written"),
        (lambda kept: (kept / "epoch-0002.params").unlink(), "cannot be read"),
        (lambda kept: (kept / "checkpoint.json").write_text("{}"), "cannot be read"),
        (lambda kept: (kept / "checkpoint.json").write_text("["), "cannot be read"),
    ],
)
def test_a_damaged_one_is_refused(kept: Path, damage: Any, reason: str) -> None:
    damage(kept)
    with pytest.raises(WeightsError, match=reason):
        at(kept).look()


def test_that_of_another_training_is_refused(kept: Path) -> None:
    with pytest.raises(WeightsError, match="that of another training"):
        Checkpoints(kept, "another", {}).look()


def test_a_file_that_the_record_does_not_name_is_not_read(kept: Path) -> None:
    """The process died after it had written the file of an epoch, and before that counted."""
    (kept / "epoch-0003.params").write_bytes(b"half")
    checkpoints = at(kept)
    checkpoints.look()
    assert checkpoints.found is not None
    assert len(checkpoints.found.epochs) == 2
    checkpoints.keep(metrics_of(3), {"weight": mx.nd.zeros(1)})
    assert sorted(file.name for file in kept.iterdir()) == ["checkpoint.json", "epoch-0003.params"]


def test_one_that_cannot_be_written_leaves_the_one_before(kept: Path) -> None:
    checkpoints = at(kept)
    checkpoints.look()
    (kept / "epoch-0003.params").symlink_to("/dev/full")
    with pytest.raises(SaveFailed):
        checkpoints.keep(metrics_of(3), {"weight": mx.nd.zeros((300, 300))})
    record = json.loads((kept / "checkpoint.json").read_text())
    assert record["file"] == "epoch-0002.params"
    assert sorted(file.name for file in kept.iterdir()) == ["checkpoint.json", "epoch-0002.params"]


def test_the_state_of_another_network_is_refused(drawn: Path, kept: Path) -> None:
    with pytest.raises(WeightsError, match="that of another training"):
        list(train(drawn, kept))
