"""Look at the image folder: what is there, what is new, and whether that is a reason for a cycle."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from jobs.config import Config
from jobs.memory import Past
from jobs.questions import ask_about_classes, ask_about_loss
from jobs.rules import Rule, rules, situation
from jobs.stop import StopFlag
from pipeline.errors import EmptyClass
from pipeline.evaluate import Progress
from pipeline.records import Change, FileState, Snapshot
from pipeline.scan import ScanResult, scan
from pipeline.snapshot import take_snapshot


@dataclass(frozen=True)
class Accepted:
    """What a person has said may be gone or different."""

    classes: bool = False
    loss: bool = False


NOTHING_ACCEPTED = Accepted()


@dataclass(frozen=True)
class Look:
    """What a look at the image folder found."""

    scanned: ScanResult
    snapshot: Snapshot
    changes: tuple[Change, ...]  # since the last finished cycle
    first: bool  # there is none yet
    rules: tuple[Rule, ...]
    seconds: float  # what the scan took

    @property
    def would_run(self) -> bool:
        """Whether a cycle would start by itself."""
        return all(rule.holds for rule in self.rules)

    @property
    def reason(self) -> str:
        """Why it would, or the first reason why it would not."""
        broken = [rule.sentence for rule in self.rules if not rule.holds]
        return broken[0] if broken else self.rules[0].sentence


def scan_folder(
    folder: Path, config: Config, known: Mapping[bytes, FileState], flag: StopFlag, progress: Progress
) -> ScanResult:
    """Scan the folder with progress; a signal cuts it short, and what was read until then is returned."""
    return scan(
        folder,
        known,
        settle_seconds=config.settle_seconds,
        progress=lambda done, total: progress("files", done, total),
        should_stop=lambda: flag.signal_number is not None,
    )


def judge(
    scanned: ScanResult,
    config: Config,
    past: Past,
    *,
    accepted: Accepted,
    now: datetime,
    seconds: float,
) -> Look:
    """Freeze what a scan found as a snapshot and decide whether it is a reason for a cycle.

    Args:
        scanned: what the scan found.
        config: the settings of snapshot and rules.
        past: the snapshot of the last finished cycle over this folder, and decisions about images.
        accepted: what a person has already decided about changed classes and lost images.
        now: an aware instant.
        seconds: what the scan took.

    Raises:
        NeedsDecision: the classes have changed, or a large part of the images is gone.
        EmptyClass: a class has no image to train on, or none to test on, and nothing is being written.
    """
    ask_about_classes(scanned, past.last, accepted=accepted.classes)
    ask_about_loss(scanned, past.last, config.loss_limit, accepted=accepted.loss)
    try:
        snapshot = take_snapshot(
            scanned.layout, scanned.files, test_fraction=config.test_fraction, memory=past.memory
        )
    except EmptyClass:
        if not scanned.settling:
            raise
        snapshot = Snapshot("", scanned.layout.classes, (), ())  # the class may be on its way
    snapshot = replace(snapshot, quarantined=snapshot.quarantined + scanned.unreadable_folders)
    found = situation(scanned, snapshot, past.last, now)
    return Look(scanned, snapshot, found.changes, past.last is None, rules(found, config), seconds)
