"""Doubtful labels out, decisions in: as CSV files that a spreadsheet opens."""

import csv
import io
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

from pipeline.conflicts import Conflict
from pipeline.errors import BadSettings
from pipeline.records import LabelDecision, Suspect
from pipeline.shown import shown

COLUMNS = ("sha256", "path", "label", "suggested", "probability", "score", "reason", "decision")
EXCLUDE = "exclude"


def doubts_csv(suspects: Iterable[Suspect], conflicts: Iterable[Conflict] = ()) -> str:
    """Return conflicts and suspects as CSV; the empty column `decision` is for a person to fill in.

    A conflict has no probability. Its label may be two classes, which no decision may be.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for c in conflicts:
        label, path = " and ".join(c.labels), shown(c.image.path)
        writer.writerow((c.image.sha256, path, label, c.suggested or "", "", "", f"conflict: {c.reason}", ""))
    for s in suspects:
        numbers = (f"{s.probability:.6f}", f"{s.score:.6f}")
        writer.writerow((s.sha256, shown(s.path), s.label, s.suggested, *numbers, "suspect", ""))
    return text.getvalue()


def read_decisions(file: Path, known: Container[str | None], classes: Sequence[str]) -> list[LabelDecision]:
    """Read a list with the columns `sha256` and `decision`; rows without a decision are left undecided.

    A decision is the name of a class, or `exclude`. Other columns do not matter.

    Args:
        file: the CSV file.
        known: the content hashes of all images that can be decided on.
        classes: of the last snapshot.

    Raises:
        BadSettings: the file cannot be read or a row does not fit; the message names the line. Nothing of
            the file is applied then.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadSettings(f"{file} cannot be read: {error}") from error
    if rows and not {"sha256", "decision"} <= set(rows[0]):
        raise BadSettings(
            f"{file} has no columns sha256 and decision; `suspects --csv FILE` writes such a list"
        )
    return [
        checked_decision(f"{file}, line {line}", (row["sha256"] or "").strip(), decision, known, classes)
        for line, row in enumerate(rows, start=2)
        if (decision := (row["decision"] or "").strip())
    ]


def checked_decision(
    where: str, sha256: str, decision: str, known: Container[str | None], classes: Sequence[str]
) -> LabelDecision:
    """Return a decision as a record; `where` says in an error whose it was.

    Raises:
        BadSettings: the image is not known, or the decision is neither a class nor `exclude`.
    """
    if sha256 not in known:
        raise BadSettings(f"{where}: no image of the folder has the content hash {sha256!r}")
    if decision not in (*classes, EXCLUDE):
        raise BadSettings(f"{where}: {decision!r} is neither a class ({', '.join(classes)}) nor {EXCLUDE!r}")
    return LabelDecision(sha256, None if decision == EXCLUDE else decision)
