"""Look at the image folder: what is there, what is new, and whether that is a reason for a cycle."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jobs.config import Config
from jobs.memory import Past, digest_of_data
from jobs.questions import ask_about_classes, ask_about_loss
from jobs.rules import Rule, Situation, rules, waited_seconds
from jobs.stop import StopFlag
from pipeline.differences import differences
from pipeline.errors import EmptyClass, NoSettledImages
from pipeline.evaluate import Progress
from pipeline.image_folder import ImageFolder
from pipeline.near_duplicates import Counted, uncounted
from pipeline.read_files import ReadFiles, read_files
from pipeline.records import Change, FileState, LastData, Snapshot, SnapshotSummary
from pipeline.scan import scan
from pipeline.scan_result import Index, ScanResult
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
    snapshot: Snapshot | None  # None where nothing at all has changed since the last finished cycle
    summary: SnapshotSummary
    leaks: int
    data_digest: str | None
    changes: tuple[Change, ...]  # since the last finished cycle
    first: bool  # there is none yet
    rules: tuple[Rule, ...]
    seconds: float  # what the look took

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
    folder: ImageFolder,
    config: Config,
    index: Index,
    flag: StopFlag,
    progress: Progress,
    read: ReadFiles = read_files,
) -> ScanResult:
    """Scan the folder with progress; a signal cuts it short, and what was read until then is returned."""
    return scan(
        folder,
        index,
        settle_seconds=config.settle_seconds,
        progress=lambda done, total: progress("files", done, total),
        should_stop=lambda: flag.signal_number is not None,
        read=read,
    )


def unchanged(scanned: ScanResult, config: Config, last: LastData, *, now: datetime, seconds: float) -> Look:
    """Return the look at a folder whose data are those of the last finished cycle."""
    situation = Situation(last.summary.total("train", "test"), 0, (), False, 0.0, now)
    return Look(
        scanned=scanned,
        snapshot=None,
        summary=last.summary,
        leaks=last.leaks,
        data_digest=last.data_digest,
        changes=(),
        first=False,
        rules=rules(situation, config),
        seconds=seconds,
    )


def judge(
    scanned: ScanResult,
    files: Sequence[FileState],
    config: Config,
    past: Past,
    *,
    accepted: Accepted,
    now: datetime,
    seconds: float,
    progress: Counted = uncounted,
) -> Look:
    """Freeze what a scan found as a snapshot and decide whether it is a reason for a cycle.

    Args:
        scanned: what the scan found.
        files: all settled files, see `settled_files`.
        config: the settings of snapshot and rules.
        past: the snapshot of the last finished cycle over this folder, and decisions about images.
        accepted: what a person has already decided about changed classes and lost images.
        now: an aware instant.
        seconds: what the scan took.
        progress: of comparing all images, see `comparing`.

    Raises:
        NeedsDecision: the classes have changed, or a large part of the images is gone.
        EmptyClass: a class has no image to train on, or none to test on, and nothing is being written.
    """
    ask_about_classes(scanned, past.last, accepted=accepted.classes)
    ask_about_loss(scanned, files, past.last, config.loss_limit, accepted=accepted.loss)
    snapshot = _snapshot(scanned, files, config, past, progress)
    changes = differences(past.last, snapshot)
    situation = Situation(
        images=len(snapshot.images),
        settling=len(scanned.settling),
        changes=changes,
        first=past.last is None,
        waited_seconds=waited_seconds(changes, files, now),
        now=now,
        given_up=past.given_up[1] if past.given_up and past.given_up[0] == snapshot.digest else None,
    )
    return Look(
        scanned=scanned,
        snapshot=snapshot,
        summary=snapshot.summary(),
        leaks=len(snapshot.leaks),
        data_digest=digest_of_data(scanned, past.memory.decisions, config),
        changes=changes,
        first=past.last is None,
        rules=rules(situation, config),
        seconds=seconds,
    )


def nothing_settled(folder: ImageFolder) -> NoSettledImages:
    """Return the error that there is no image to work with yet."""
    return NoSettledImages(f"all files in {folder} are still being written; run again when that has ended")


def comparing(flag: StopFlag, progress: Progress) -> Counted:
    """Return what shows how many images have been compared, and ends that after a signal."""

    def show(done: int, total: int) -> None:
        flag.check()
        progress("comparing images", done, total)

    return show


def _snapshot(
    scanned: ScanResult, files: Sequence[FileState], config: Config, past: Past, progress: Counted
) -> Snapshot:
    try:
        snapshot = take_snapshot(
            scanned.layout, files, test_fraction=config.test_fraction, memory=past.memory, progress=progress
        )
    except EmptyClass:
        if not scanned.settling:
            raise
        snapshot = Snapshot("", scanned.layout.classes, (), ())  # the class may be on its way
    return replace(snapshot, quarantined=snapshot.quarantined + scanned.unreadable_folders)
