"""What a reader must know of a cycle's images before believing its numbers."""

from collections.abc import Iterator, Sequence

from pipeline.records import Cycle, Novelty, Quarantined, SnapshotSummary, Split
from pipeline.report.data import left_out
from pipeline.report.verdict_check import Check, Level
from pipeline.report.words import NARROW, counted, percent

MUCH_UNUSABLE = 0.1  # of all files: then something is wrong with the folder, not with single files
MUCH_SUSPECT = 0.05  # of the training images
MUCH_NOVEL = 0.05  # of the new images; by the definition of the limit, 1 % is usual
SHIFT = 0.1  # of the share of a class, against the cycle before
ONE_SIDED = 0.8  # share of the commonest class
SPLITS: tuple[tuple[Split, str], ...] = (("train", "training"), ("test", "test"))


def checks_of_data(cycle: Cycle) -> Iterator[Check]:
    """Yield what is to be said of the images; nothing where the cycle ended before it had listed them."""
    if cycle.snapshot is None:
        return
    yield _leaks(len(cycle.leaks))
    yield _unusable(cycle, cycle.snapshot)
    yield _two_classes(cycle.snapshot.quarantined)
    yield _class_shares(cycle.snapshot, cycle.previous)
    yield from _suspects(cycle, cycle.snapshot)
    if cycle.finetune and cycle.finetune.findings.novelty:
        yield _novelty(cycle.finetune.findings.novelty)


def _leaks(number: int) -> Check:
    if not number:
        text = "No training image shows the same picture as a test image, so no answer was known beforehand."
        return Check("good", "Leaks", text, "leaks")
    verb, was = ("shows", "was") if number == 1 else ("show", "were")
    text = f"{counted(number, 'training image')} {verb} the same picture as a test image and {was} left out."
    return Check("look", "Leaks", text, "leaks")


def _unusable(cycle: Cycle, snapshot: SnapshotSummary) -> Check:
    number = len(left_out(snapshot.quarantined).unusable)
    before = _unusable_before(cycle.previous)
    if not number:
        mended = f"; in cycle {before[0]} it was {before[1]:,d}" if before and before[1] else ""
        return Check("good", "Quarantine", f"No file had to be left out as unusable{mended}.", "data")
    verb = "is" if number == 1 else "are"
    text = f"{counted(number, 'file')} cannot be used and {verb} in quarantine{_than_before(number, before)}."
    level: Level = "bad" if number > MUCH_UNUSABLE * (number + snapshot.total("train", "test")) else "look"
    grew = before is not None and number > before[1]
    return Check(level, "Quarantine grew" if grew else "Quarantine", text, "data")


def _unusable_before(previous: Cycle | None) -> tuple[int, int] | None:
    """Return the id of the cycle before, and how many files it could not use."""
    if previous is None or previous.snapshot is None:
        return None
    return previous.id, len(left_out(previous.snapshot.quarantined).unusable)


def _than_before(number: int, before: tuple[int, int] | None) -> str:
    if before is None:
        return ""
    more = number - before[1]
    if not more:
        return f", as many as in cycle {before[0]}"
    return f", {abs(more):,d} {'more' if more > 0 else 'fewer'} than in cycle {before[0]}"


def _two_classes(quarantined: Sequence[Quarantined]) -> Check:
    number = len(left_out(quarantined).two_classes)
    if not number:
        return Check("good", "One class each", "No picture is under two classes.", "data")
    verb, are = ("shows", "is") if number == 1 else ("show", "are")
    text = f"{counted(number, 'file')} {verb} a picture that is under two classes and {are} left out."
    return Check("look", "Two classes", text, "data")


def _class_shares(snapshot: SnapshotSummary, previous: Cycle | None) -> Check:
    before = previous.snapshot if previous else None
    if previous and before and (moved := list(_moved(before, snapshot))):
        text = f"Since cycle {previous.id} the classes have shifted: {'; '.join(moved)}."
        return Check("look", "Class shift", text, "data")
    label, share = _commonest(snapshot)
    as_before = ", about as before" if before else ""
    if share > ONE_SIDED:
        text = f"{percent(share)} of the training images are “{label}”{as_before}"
        return Check("look", "Class balance", f"{text}: the other classes may be learnt badly.", "data")
    text = f"The commonest class, “{label}”, has {percent(share)} of the training images{as_before}."
    return Check("good", "Class balance", text, "data")


def _moved(before: SnapshotSummary, after: SnapshotSummary) -> Iterator[str]:
    labels = sorted({*before.classes, *after.classes})
    for split, name in SPLITS:
        for label in labels:
            was, now = _share(before, split, label), _share(after, split, label)
            if abs(now - was) > SHIFT:
                yield f"“{label}” went from {percent(was)} to {percent(now)} of the {name} images"


def _share(snapshot: SnapshotSummary, split: Split, label: str) -> float:
    counts = snapshot.counts.get(split, {})
    return counts.get(label, 0) / max(sum(counts.values()), 1)


def _commonest(snapshot: SnapshotSummary) -> tuple[str, float]:
    label = max(snapshot.classes, key=lambda name: _share(snapshot, "train", name))
    return label, _share(snapshot, "train", label)


def _suspects(cycle: Cycle, snapshot: SnapshotSummary) -> Iterator[Check]:
    number, of = len(cycle.suspects), snapshot.total("train")
    if number:
        share = number / max(of, number)
        found = f"{counted(number, 'training image')} of {of:,d} ({percent(share)})"
        text = f"{found} probably {'has' if number == 1 else 'have'} a wrong label."
        yield Check("bad" if share > MUCH_SUSPECT else "look", "Labels", text, "suspects")
    elif cycle.finetune and cycle.finetune.findings.calibration:
        # Both need networks that have not seen the image; where one was computed, the other was, too.
        yield Check("good", "Labels", "No label of a training image looks wrong.", "suspects")


def _novelty(novelty: Novelty) -> Check:
    share = novelty.novel / max(novelty.images, 1)
    text = (
        f"{novelty.novel:,d} of {counted(novelty.images, 'new training image')} ({percent(share)}) "
        f"{'looks' if novelty.novel == 1 else 'look'} unlike all earlier ones; "
        f"of images like the earlier ones it would be about 1{NARROW}%."
    )
    much = novelty.novel > 1 and share > MUCH_NOVEL
    return Check("look" if much else "good", "Novelty", text, "novelty")
