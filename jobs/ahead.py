"""Use the wait between two looks: import what trains, and compute the features of what the first look found.

Nothing here is recorded or needed. Features go into the cache, from which the training takes them; whatever
fails here is computed, or fails, again where it is needed.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from threading import Event, Thread

from jobs.config import Config
from jobs.home import Home
from jobs.schedule import is_quiet
from jobs.stop import StopFlag
from pipeline.backbones import backbone_named
from pipeline.device import needs_no_gpu, resolve_device
from pipeline.engine_settings import FrozenSettings
from pipeline.pretrained.weights import find_weights
from pipeline.recipes import Recipe
from pipeline.scan_result import ScanResult

log = logging.getLogger("whisker")

LATER = ("jobs.promotion", "jobs.heat_maps", "jobs.thumbnails", "pipeline.report.render")  # slow to import


class _WaitIsOver(Exception):
    """Ends the work in the background."""


@dataclass(frozen=True)
class Ahead:
    """What a cycle may do before it is sure of its images."""

    home: Home
    config: Config
    recipe: Recipe
    weights: Path | None  # an explicit file of pretrained weights
    frozen: FrozenSettings
    if_changed: bool  # whether the cycle starts only by the rules

    @contextmanager
    def while_waiting(self, scanned: ScanResult, flag: StopFlag) -> Iterator[Callable[[], None]]:
        """Work in a thread until the caller says that the wait is over; at the end the thread has ended.

        It ends after the step that it is in: an import, the network, or a batch of some images. The caller
        gets a function to say so with, and waits for the step only when it leaves, after its second look.
        """
        over = Event()
        if not self.config.settle_seconds:
            yield over.set
            return

        def check() -> None:
            if over.is_set() or flag.signal_number is not None:
                raise _WaitIsOver

        thread = Thread(target=self._work, args=(scanned, check), name="ahead", daemon=True)
        thread.start()
        try:
            yield over.set
        finally:
            over.set()
            thread.join()

    def _work(self, scanned: ScanResult, check: Callable[[], None]) -> None:
        try:
            import_module("jobs.training")  # takes over a second, for MXNet
            if self._computes():
                self._compute(scanned, check)
            for module in LATER:
                check()
                import_module(module)
        except _WaitIsOver:
            pass
        except Exception as error:
            log.debug("not all was done while waiting: %s", error)

    def _computes(self) -> bool:
        """Return whether features are of use, and may be computed now."""
        quiet = self.if_changed and self.config.quiet_hours
        return (
            self.recipe.trains != "all layers"
            and self.frozen.cache_bytes > 0
            and needs_no_gpu(self.config.device)
            and not (quiet and is_quiet(self.config.quiet_hours, datetime.now(UTC)))
        )

    def _compute(self, scanned: ScanResult, check: Callable[[], None]) -> None:
        # Imported here, since they import MXNet.
        from pipeline.ahead import compute_ahead
        from pipeline.surroundings import surroundings_on

        backbone = backbone_named(self.recipe.backbone)
        compute_ahead(
            self.config.images_folder(),
            sorted((*scanned.settling, *(file.path for file in scanned.changed_files if not file.problem))),
            backbone,
            find_weights(backbone, self.home.weights, self.weights, download=False),
            self.recipe,
            surroundings_on(resolve_device(self.config.device), self.config.seed, check),
            self.frozen,
        )
