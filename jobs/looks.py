"""Keep how each look at the image folder ended, whatever ended it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from db import store
from db.place import Place
from db.session import DATABASE_FAILS, open_again, utc_now
from jobs.home_lock import Fence, unfenced
from jobs.space import sentence_of
from pipeline.errors import Interrupted
from pipeline.records import LookOutcome, LookRecord

log = logging.getLogger("whisker")

BUSY_SECONDS = 2.0  # the record of a look is worth no longer wait


@dataclass
class Ending:
    """What is to be kept of a look; an error that ends it takes the place of outcome and reason."""

    outcome: LookOutcome = "nothing-new"
    reason: str = ""
    cycle_id: int | None = None


@contextmanager
def recorded_look(records: Place, fence: Fence = unfenced) -> Iterator[Ending]:
    """Store how the look of the block ended; that it cannot be stored is no reason to fail."""
    started, ending = utc_now(), Ending()
    try:
        yield ending
    except BaseException as error:
        stopped = isinstance(error, Interrupted | KeyboardInterrupt)
        ending.outcome = "interrupted" if stopped else "failed"
        ending.reason = sentence_of(error)
        raise
    finally:
        look = LookRecord(started, utc_now(), ending.outcome, ending.reason, ending.cycle_id)
        try:
            with fence(open_again(records, BUSY_SECONDS)).begin() as session:
                store.add_look(session, look)
        except DATABASE_FAILS as error:
            log.debug("the record of this look could not be stored: %s", error)
