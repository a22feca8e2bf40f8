"""The folder that the processes of a cluster share: what is to be trained, and what each says of itself.

    checkpoints/cluster.json           which job is at work in this home
    checkpoints/run-0012/cluster/
        plan.json                      what is trained, and by which hosts
        images.jsonl                   the images, one a line
        start.params                   the network, where no checkpoint has it
        NODE.claim                     who is this node, so that it is nobody twice
        NODE.beat, cycle.beat          signs of life
        events.jsonl, evaluation.json  what the training yields: the epochs, and what came out, by worker 0
        NODE.end                       how a worker has ended
        NODE.log                       what a process has said

The cycle and the nodes talk by these files alone; what travels through MXNet are gradients and sums.
"""

import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jobs.cluster.nodes import Role, key_of
from jobs.home import Home
from jobs.program import training_program
from pipeline.errors import BadSettings
from pipeline.publish import write_whole, writing_whole
from pipeline.recipes import Recipe
from pipeline.records import RunKind, SnapshotImage

POINTER = "cluster.json"


@dataclass(frozen=True)
class JobPlan:
    """What is trained, by whom."""

    program: Mapping[str, str]  # which must be the same everywhere
    kind: RunKind
    recipe: Mapping[str, Any]
    backbone: str
    classes: tuple[str, ...]
    images: str  # the folder
    seed: int
    training: str  # this and the next belong to the checkpoint, see `Checkpoints`
    environment: Mapping[str, str]
    hosts: tuple[str, ...]
    devices: tuple[str, ...]
    kvstore: str
    servers: int
    scheduler: str
    port: int
    interface: str
    patience_seconds: float

    def as_recipe(self) -> Recipe:
        """Return the recipe."""
        return Recipe(**_with_tuples(self.recipe))


@dataclass(frozen=True)
class JobFolder:
    """The folder of one job."""

    folder: Path
    id: str

    @property
    def plan(self) -> Path:
        """What is trained."""
        return self.folder / "plan.json"

    @property
    def images(self) -> Path:
        """On what."""
        return self.folder / "images.jsonl"

    @property
    def start(self) -> Path:
        """The network with which the training begins."""
        return self.folder / "start.params"

    @property
    def events(self) -> Path:
        """The metrics of each epoch, one a line."""
        return self.folder / "events.jsonl"

    @property
    def evaluation(self) -> Path:
        """What the trained network says of the test images."""
        return self.folder / "evaluation.json"

    @property
    def checkpoint(self) -> Path:
        """The folder of the run's checkpoint."""
        return self.folder.parent

    @property
    def cycle_beat(self) -> Path:
        """The sign of life of the cycle."""
        return self.folder / "cycle.beat"

    def of(self, role: Role, index: int, what: str) -> Path:
        """Return a file of a node: its `claim`, `beat`, `end` or `log`."""
        return self.folder / f"{key_of(role, index)}.{what}"

    def write(self, plan: JobPlan, images: Iterable[SnapshotImage]) -> None:
        """Write what the nodes have to know."""
        self.folder.mkdir(mode=0o700, parents=True)
        with writing_whole(self.images) as file:
            file.writelines(_line_of(image) for image in images)
        write_whole(self.plan, json.dumps(asdict(plan), indent=1).encode())

    def read_plan(self) -> JobPlan:
        """Return the plan; raises BadSettings where this program is not that of the cycle."""
        plan = JobPlan(**_with_tuples(json.loads(self.plan.read_text(encoding="utf-8"))))
        if plan.program != training_program(plan.kvstore):
            raise BadSettings(
                f"the program, MXNet or Horovod on {platform.node()} is not that of the cycle; install the "
                "same version on all hosts"
            )
        return plan

    def read_images(self) -> Iterator[SnapshotImage]:
        """Yield the images."""
        with self.images.open(encoding="ascii") as file:
            for line in file:
                sha256, label, split, path = json.loads(line)
                yield SnapshotImage(sha256, label, split, os.fsencode(path))


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as they were before JSON made lists of tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _line_of(image: SnapshotImage) -> bytes:
    return json.dumps([image.sha256, image.label, image.split, os.fsdecode(image.path)]).encode() + b"\n"


def announce(home: Home, job: JobFolder) -> None:
    """Let nodes find the job."""
    found = {"job": job.id, "folder": str(job.folder.relative_to(home.checkpoints))}
    write_whole(home.checkpoints / POINTER, json.dumps(found).encode())


def withdraw(home: Home) -> None:
    """Let nodes find no job any more."""
    (home.checkpoints / POINTER).unlink(missing_ok=True)


def announced(home: Home) -> JobFolder | None:
    """Return the job that is at work in a home, if there is one."""
    try:
        found = json.loads((home.checkpoints / POINTER).read_text(encoding="utf-8"))
        return JobFolder(home.checkpoints / found["folder"], found["job"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
