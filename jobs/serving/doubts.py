"""What a person is to look over: doubtful labels, decided or not, and what cannot be used at all."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock

from sqlalchemy.orm import Session

from db import store
from jobs.decide_labels import IndexedFolder, layout_to_decide_on, with_files
from pipeline.compared import Compared, compare_all
from pipeline.conflicts import Conflict
from pipeline.records import FileState, LabelDecision, Quarantined, SnapshotImage, Suspect
from pipeline.snapshot import find_conflicts

Decisions = Mapping[str, LabelDecision]


@dataclass(frozen=True)
class Doubt:
    """An image whose label is, or was, doubtful."""

    sha256: str
    labels: tuple[str, ...]  # that it has: several only if it lies under several classes itself
    suggested: str | None
    probability: float | None  # of its label, by networks that had not seen it
    reason: str | None  # of a conflict, in a phrase
    path: bytes
    partner: SnapshotImage | None  # the image of another class that shows the same picture
    decision: LabelDecision | None
    settled: bool  # by a decision about its partner


@dataclass(frozen=True)
class Earlier:
    """A decision about an image that is not doubtful now."""

    decision: LabelDecision
    path: bytes


@dataclass(frozen=True)
class LookOver:
    """All that there is to look over."""

    classes: tuple[str, ...]
    doubts: tuple[Doubt, ...]  # conflicts, then suspects, the most suspicious first; also what is decided
    quarantine: tuple[Quarantined, ...]
    earlier: tuple[Earlier, ...]

    @property
    def left(self) -> int:
        """How many nobody has decided on yet."""
        return sum(doubt.decision is None and not doubt.settled for doubt in self.doubts)


@dataclass(frozen=True)
class Known:
    """What hangs on the files alone, and not on what was decided about them."""

    indexed: IndexedFolder
    compared: Compared
    undecided: tuple[Conflict, ...]  # the conflicts, had nobody decided anything


class Folder:
    """The folder to look over. Its pictures are compared again only when the index has changed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._state: object = None
        self._known: Known | None = None

    def known(self, session: Session) -> Known | None:
        """Return what is known of the folder of the newest finished cycle; None if there is none."""
        layout = layout_to_decide_on(session)
        if layout is None:
            return None
        digests = store.folder_digests(session, str(layout.folder))
        with self._lock:
            # Where not all in a folder is known, its digest says nothing.
            if None in digests.values() or self._state != (layout, digests):
                indexed = with_files(session, layout)
                compared = compare_all(indexed.files)
                undecided = find_conflicts(layout, indexed.files, {}, compared)
                self._known, self._state = Known(indexed, compared, undecided), (layout, digests)
            return self._known


def look_over(session: Session, folder: Folder | None = None) -> LookOver:
    """Return what is doubtful in the folder of the newest finished cycle.

    The suspects are those of the newest finished cycle that has any. Conflicts are worked out from the index,
    as they are now and as they would be without any decision, so that a decided one keeps its place.
    """
    known = (folder or Folder()).known(session)
    if known is None:
        return LookOver((), (), (), ())
    indexed = known.indexed
    decisions = store.label_decisions(session)
    _, suspects = store.latest_suspects(session) or (None, ())
    conflicts = tuple(_conflicts(known, decisions))
    listed = {doubt.sha256 for doubt in conflicts}
    doubts = (*conflicts, *(_of_suspect(s, decisions) for s in suspects if s.sha256 not in listed))
    return LookOver(
        indexed.layout.classes,
        doubts,
        tuple(Quarantined(file.path, file.problem) for file in indexed.files if file.problem),
        tuple(_earlier(indexed.files, decisions, {doubt.sha256 for doubt in doubts})),
    )


def _conflicts(known: Known, decisions: Decisions) -> Iterator[Doubt]:
    """Yield each image in a conflict once, with what is true of it now where it still is in one."""
    now = known.undecided
    if decisions:
        now = find_conflicts(known.indexed.layout, known.indexed.files, decisions, known.compared)
    still = {conflict.image.sha256: conflict for conflict in now}
    for sha256, conflict in ({c.image.sha256: c for c in known.undecided} | still).items():
        yield _of_conflict(conflict, decisions.get(sha256), settled=sha256 not in still)


def _of_conflict(conflict: Conflict, decision: LabelDecision | None, *, settled: bool) -> Doubt:
    return Doubt(
        sha256=conflict.image.sha256,
        labels=conflict.labels,
        suggested=conflict.suggested,
        probability=None,
        reason=conflict.reason,
        path=conflict.image.path,
        partner=conflict.partner,
        decision=decision,
        settled=settled and decision is None,
    )


def _of_suspect(suspect: Suspect, decisions: Decisions) -> Doubt:
    return Doubt(
        sha256=suspect.sha256,
        labels=(suspect.label,),
        suggested=suspect.suggested,
        probability=suspect.probability,
        reason=None,
        path=suspect.path,
        partner=None,
        decision=decisions.get(suspect.sha256),
        settled=False,
    )


def _earlier(files: tuple[FileState, ...], decisions: Decisions, doubtful: set[str]) -> Iterator[Earlier]:
    """Yield the decisions about other images of the folder, each once, by path."""
    wanted = decisions.keys() - doubtful
    others = {file.sha256: file.path for file in files if file.sha256 in wanted}
    for sha256, path in sorted(others.items(), key=lambda item: item[1]):
        yield Earlier(decisions[sha256], path)
