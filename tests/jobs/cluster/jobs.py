"""What the tests of trainings over several processes share: a small training, and who takes part in it."""

import importlib.util
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from jobs.cluster.nodes import Role
from jobs.cluster.settings import ClusterSettings
from jobs.cluster.training import Asked, fit_over_hosts
from jobs.config import Config
from jobs.home import Home
from pipeline.arrays import Array
from pipeline.backbones import backbone_named
from pipeline.checkpoint import Checkpoints
from pipeline.network import scratch_network
from pipeline.surroundings import Surroundings
from tests import tiny
from tests.pipeline.training import AROUND, classic, data_of

# Of 24 images, so that the last batch has 3, which leave one of two workers without any.
RECIPE = classic(
    backbone=tiny.NAME, epochs=2, batch_size=7, learning_rate=0.02, momentum=0.9, horizontal_flip=True
)


needs_horovod = pytest.mark.skipif(
    importlib.util.find_spec("horovod") is None, reason="Horovod is not installed: make horovod"
)
KVSTORES = ["dist_sync", pytest.param("horovod", marks=needs_horovod)]


def settings(**changes: Any) -> ClusterSettings:
    """Return those of two workers on this machine, with changes."""
    given = {"hosts": ("localhost", "localhost"), "patience": "30s", "wait": "1m", **changes}
    of = ClusterSettings.of(Config(**{f"cluster_{name}": value for name, value in given.items()}))
    return replace(of, devices=("cpu",) * len(of.hosts))


def asked(folder: Path, images: Path, around: Surroundings = AROUND, **changes: Any) -> Asked:
    """Return a training in a home, which goes on where the last one in it has stopped."""
    checkpoints = Checkpoints(folder / "home" / "checkpoints" / "run-0001", "a training", {})
    checkpoints.look()
    backbone = backbone_named(tiny.NAME)
    network = scratch_network(backbone, 2, around.sharing.contexts, 0)
    recipe = replace(RECIPE, **changes)
    return Asked("finetune", tiny.NAME, network, data_of(images, backbone), recipe, around, checkpoints)


def train(folder: Path, settings: ClusterSettings, what: Asked) -> list[Any]:
    """Train over processes, and return what that yields."""
    home = Home(folder / "home")
    home.checkpoints.mkdir(parents=True, exist_ok=True)
    return list(fit_over_hosts(settings, home, what))


def values(network: Any) -> dict[str, Array]:
    """Return all parameters and statistics, by their place in the network."""
    found = network._collect_params_with_prefix()
    return {name: parameter.list_data()[0].asnumpy() for name, parameter in found.items()}


def node(folder: Path, role: Role, index: int) -> psutil.Process | None:
    """Return the process that has taken a post, once it beats."""
    job = folder / "home" / "checkpoints" / "run-0001" / "cluster"
    try:
        (job / f"{role}-{index}.beat").read_bytes()
        return psutil.Process(json.loads((job / f"{role}-{index}.claim").read_bytes())["pid"])
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None


def processes_in(folder: Path) -> list[psutil.Process]:
    """Return the other processes that name a folder in their command line."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.pid != os.getpid() and any(str(folder) in word for word in process.info["cmdline"] or ())
    ]
