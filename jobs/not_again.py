"""Train nothing again on the very images on which the newest cycle has failed."""

from dataclasses import replace

from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.look import Look
from jobs.rules import NOT_GIVEN_UP, Rule
from pipeline.image_folder import ImageFolder

NOT_AGAIN = "other images than those that failed"


def not_again(sessions: sessionmaker[Session], found: Look, folder: ImageFolder) -> Look:
    """Return the look with one more rule; the daemon asks for it after a failure that does not pass."""
    with sessions() as session:
        newest = store.newest_cycle(session)
    if found.snapshot is None or newest is None or newest.status not in ("failed", "interrupted"):
        return found
    if (newest.images_folder, newest.snapshot_digest) != (str(folder), found.snapshot.digest):
        return found
    sentence = f"cycle {newest.id} has failed on these very images ({newest.error})"
    return replace(found, rules=(*found.rules, Rule(NOT_AGAIN, False, sentence)))


def is_held_back(found: Look) -> bool:
    """Return whether there are images to train on, but a cycle on them has failed, or was given up."""
    return any(rule.name in (NOT_AGAIN, NOT_GIVEN_UP) for rule in found.rules if not rule.holds)
