"""Run a command of Whisker in this process, and note where its main thread's time goes.

    python -m benchmarks.phased_command FILE WORD ...

The words are those after `cli.py`; FILE gets the seconds of each phase as JSON. A phase is what a function of
the table takes, without the phases inside it. What is in none of them is "start and end of the process".
"""

import functools
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

PHASES = {
    "jobs.survey:_scan": "looking at the files",
    "jobs.survey:_wait": "waiting for the second look",
    "jobs.survey:remember": "snapshot",
    "jobs.survey:judge": "snapshot",
    "jobs.cycle:survey": "index, and the last step of what was done while waiting",
    "jobs.cycle:find_weights": "weights and network",
    "jobs.cycle:prepare": "imports, and storing the snapshot",
    "jobs.cycle:_train_and_decide": "records",
    "jobs.cycle:_keep_pictures": "small pictures",
    "jobs.cycle:_report": "report",
}
# Of modules that are imported late, which must not be imported earlier for this.
LATE_PHASES = {
    "jobs.training:train_finetune": "records",
    "jobs.training:pretrained_network": "weights and network",
    "jobs.training:describe": "layers of the network for the report",
    "jobs.training:publish_model": "saving the model",
    "pipeline.bundle:try_onnxruntime": "saving the model: ONNX and its check",
    "pipeline.frozen_pass:_FrozenPass.__init__": "features: cache and digest of the weights",
    "pipeline.frozen_pass:_FrozenPass.recall": "features: cache and digest of the weights",
    "pipeline.frozen_pass:_FrozenPass.trial": "features: comparing the engines",
    "pipeline.frozen_pass:_FrozenPass.compute": "features: computing",
    "pipeline.train_head:best_strength": "head: choice of the penalty",
    "pipeline.train_head:_unseen": "head: judging the training images",
    "pipeline.train_head:suspects": "head: judging the training images",
    "pipeline.train_head:calibrate": "head: judging the training images",
    "pipeline.train_head:fit_head": "head: fit",
    "pipeline.train_head:find_out": "head: repeats, data curve, novelty",
    "jobs.promotion:decide": "verdict",
    "jobs.heat_maps:store_heat_maps": "heat maps",
    "jobs.thumbnails:store_thumbnails": "small pictures",
}
REST = "start and end of the process"


class Clock:
    """Counts the seconds of the phase that the main thread is in."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: dict[str, float] = {}
        self._phases = [REST]
        self._now = now
        self._since = now()

    def timed(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        """Return the function, counted as a phase."""

        @functools.wraps(function)
        def wrapper(*arguments: Any, **named: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return function(*arguments, **named)
            self._count()
            self._phases.append(phase)
            try:
                return function(*arguments, **named)
            finally:
                self._count()
                self._phases.pop()

        return wrapper

    def install(self, phases: dict[str, str]) -> None:
        """Put the functions of a table on the clock."""
        for place, phase in phases.items():
            module, path = place.split(":")
            *owners, name = path.split(".")
            owner = functools.reduce(getattr, owners, import_module(module))
            setattr(owner, name, self.timed(getattr(owner, name), phase))

    def _count(self) -> None:
        now = self._now()
        self.seconds[self._phases[-1]] = self.seconds.get(self._phases[-1], 0.0) + now - self._since
        self._since = now


def main(file: Path, words: Sequence[str]) -> None:
    """Run the command to its end, and write the seconds."""
    clock, cycle = Clock(), import_module("jobs.cycle")
    train: Callable[..., Any] = cycle.__dict__["_train_and_decide"]

    def train_with_phases(*arguments: Any) -> None:
        clock.install(LATE_PHASES)
        train(*arguments)

    cycle.__dict__["_train_and_decide"] = train_with_phases
    clock.install(PHASES)
    try:
        import_module("cli").cli(args=list(words), standalone_mode=False)
    finally:
        file.write_text(json.dumps(clock.seconds), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
