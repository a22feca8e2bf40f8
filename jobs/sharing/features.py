"""The frozen pass, shared: workers compute rows into the cache that lies in the home, for all hosts.

A row counts only if it was computed with the very key of the pass: the same layers, weights, versions, engine
and kind of processor. So it has the bits that this process would have computed.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from jobs.home import Home
from jobs.home_mark import marked
from jobs.program import program
from jobs.sharing.content import pack_images
from jobs.sharing.offer import Offer
from jobs.sharing.owner import Owner
from pipeline.engine_settings import RowsWanted
from pipeline.errors import SaveFailed
from pipeline.recipes import Recipe

LEAST, MOST = 64, 512  # images in a piece: some seconds of work
WORTH = 128  # with fewer images left nobody is asked


@dataclass(frozen=True)
class SharedRows:
    """Lets workers compute rows of a cycle's frozen pass. It is a `pipeline.engine_settings.ShareRows`."""

    owner: Owner
    home: Home
    recipe: Recipe
    weights: Path | None  # an explicit file
    cache_bytes: int  # the most that the cache may hold, whatever a worker's settings say

    def __call__(self, wanted: RowsWanted) -> Sequence[int]:
        """Have the missing rows computed; return the positions of those that workers have done."""
        rest: Sequence[int] = wanted.missing
        if not self._is_worth(len(rest)):
            rest = wanted.compute(rest, self._have_workers_come)
        return self._shared(wanted, rest) if rest else ()

    def _is_worth(self, left: int) -> bool:
        return left >= WORTH and self._have_workers_come()

    def _have_workers_come(self) -> bool:
        return self.owner.workers() > 0

    def _shared(self, wanted: RowsWanted, positions: Sequence[int]) -> Sequence[int]:
        try:
            mark = marked(self.home)
        except SaveFailed:  # a full disk, which what is computed here may not need
            return wanted.compute(positions, lambda: False)

        def here(some: Sequence[int], beat: Callable[[], None]) -> bool:
            def not_yet() -> bool:
                beat()
                return False

            wanted.compute(some, not_yet)
            return False

        def by_worker(some: Sequence[int], _result: bytes) -> bool:
            wanted.count(len(some))
            return True

        offer = Offer(
            kind="features",
            parameters=self._parameters(wanted, mark),
            items=positions,
            least=LEAST,
            most=MOST,
            pack=lambda some: pack_images([wanted.images[position] for position in some]),
            unpack=by_worker,
            here=here,
            path=lambda position: wanted.images[position].path,
            check_stop=wanted.check_stop,
        )
        return sorted(p for some, is_workers in self.owner.share(offer) if is_workers for p in some)

    def _parameters(self, wanted: RowsWanted, mark: str) -> dict[str, object]:
        return {
            "program": program(),
            "key": wanted.key,
            "engine": wanted.engine,
            "recipe": asdict(self.recipe),
            "weights": os.fsdecode(self.weights) if self.weights else None,
            "cache_bytes": self.cache_bytes,
            "mark": mark,
        }
